import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.data.synthetic.rig import Rig
from glint_unet.errors import RigError


def rig_of(tmp_path, content: str) -> Rig:
    path = tmp_path / "rig.toml"
    path.write_text(content, encoding="utf-8")
    return Rig.read(path)


def test_an_empty_file_is_the_default_rig(tmp_path):
    assert rig_of(tmp_path, "") == Rig.ring(8)


def test_every_entry_takes_effect(tmp_path):
    rig = rig_of(
        tmp_path,
        """
        [leds]
        positions = [[0, -1], [0.5, 0.5]]
        size = [0.2, 0.3]
        [image]
        size = [120, 160]
        stride = 2
        sigma = 2.0
        [scene]
        level = "hard"
        backgrounds = "frames"
        backgrounds_share = 0.2
        [stream]
        images = 50
        validation = 7
        [eye]
        iris = [0.1, 0.2]
        """,
    )
    assert rig == Rig(
        ((0.0, -1.0), (0.5, 0.5)),
        (0.2, 0.3),
        (120, 160),
        2,
        2.0,
        "hard",
        50,
        7,
        (0.1, 0.2),
        str(tmp_path / "frames"),
        0.2,
    )


def test_a_ring_goes_clockwise_from_its_start(tmp_path):
    rig = rig_of(tmp_path, "[leds]\nnumber = 4\nstart_deg = 0")
    assert [(round(x), round(y)) for x, y in rig.leds] == [(1, 0), (0, 1), (-1, 0), (0, -1)]


REFUSED = {
    "unknown table": ("[led]\nnumber = 4", r"\[led\]"),
    "unknown entry": ("[leds]\nnumbers = 4", "leds.numbers"),
    "no table": ("number = 4", r"\[number\]"),
    "number": ("[leds]\nnumber = 0", "leds.number = 0"),
    "text for a number": ('[leds]\nnumber = "8"', "leds.number"),
    "truth value for a number": ("[leds]\nnumber = true", "leds.number = True"),
    "not finite": ("[leds]\nstart_deg = nan", "leds.start_deg = nan"),
    "both layouts": ("[leds]\nnumber = 2\npositions = [[0, 0]]", "one of the two"),
    "empty layout": ("[leds]\npositions = []", "leds.positions"),
    "point of three": ("[leds]\npositions = [[0, 0, 0]]", "leds.positions"),
    "far point": ("[leds]\npositions = [[0, 50]]", "leds.positions"),
    "size": ("[leds]\nsize = [0.5, 0.2]", "leds.size"),
    "image of 8 px": ("[image]\nsize = 8", "image.size = 8"),
    "image of 5000 px": ("[image]\nsize = 5000", "image.size"),
    "stride 3": ("[image]\nstride = 3", "image.stride = 3"),
    "stride that does not divide": ("[image]\nsize = 30", "image.stride"),
    "level": ('[scene]\nlevel = "brutal"', "easy, medium, hard, mixed"),
    "backgrounds": ("[scene]\nbackgrounds = 3", "scene.backgrounds = 3"),
    "share of backgrounds": ("[scene]\nbackgrounds_share = 2", "scene.backgrounds_share = 2"),
    "iris": ("[eye]\niris = [0.4, 0.1]", "eye.iris"),
    "iris of no size": ("[eye]\niris = 0", "eye.iris = 0"),
    "stream": ("[stream]\nimages = 0", "stream.images = 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_named(tmp_path, case):
    content, fragment = REFUSED[case]
    with pytest.raises(RigError, match=fragment):
        rig_of(tmp_path, content)


def test_a_file_that_is_missing_no_toml_or_huge_is_reported(tmp_path):
    with pytest.raises(RigError, match="cannot be read"):
        Rig.read(tmp_path / "none.toml")
    with pytest.raises(RigError, match="not valid TOML"):
        rig_of(tmp_path, "[leds")
    (tmp_path / "rig.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RigError, match="not valid TOML"):
        Rig.read(tmp_path / "rig.toml")
    (tmp_path / "rig.toml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(RigError, match="not valid TOML"):
        Rig.read(tmp_path / "rig.toml")


@given(content=st.text())
def test_any_text_is_a_rig_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.getbasetemp() / "any.toml"
    path.write_text(content, encoding="utf-8", errors="replace")
    with contextlib.suppress(RigError):
        assert Rig.read(path).num_leds >= 1


def test_a_layout_without_a_size_has_the_levels(tmp_path):
    assert rig_of(tmp_path, "").layout_size == (0.30, 0.85)
    assert rig_of(tmp_path, '[scene]\nlevel = "hard"').layout_size == (0.30, 0.42)
    assert rig_of(tmp_path, "[leds]\nsize = 0.5").layout_size == (0.5, 0.5)
