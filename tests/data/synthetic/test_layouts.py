from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.config import TrainConfig
from glint_unet.data.synthetic.layouts import rig_of_image, sample_layout
from glint_unet.data.synthetic.painting import make_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.stream import SyntheticStream
from glint_unet.errors import RigError, SettingError
from glint_unet.model.constellation import Constellation
from glint_unet.training.run_data import examine

ANY = '[leds]\nnumber = 12\nlayout = "any"\n[image]\nsize = 64\n[stream]\nimages = 8\nvalidation = 4\n'


@given(seed=st.integers(0, 2**32 - 1), most=st.integers(1, 40))
def test_a_layout_has_as_many_leds_as_allowed_in_the_unit_disc_and_no_two_at_one_place(seed, most):
    layout = sample_layout(np.random.default_rng(seed), most)
    assert 1 <= len(layout) <= most
    assert layout.shape == (len(layout), 2)
    assert np.linalg.norm(layout, axis=-1).max() <= 1 + 1e-9
    apart = np.linalg.norm(layout[:, None] - layout, axis=-1)[~np.eye(len(layout), dtype=bool)]
    assert len(layout) == 1 or apart.min() > 0.01


def test_layouts_differ_from_image_to_image_and_every_number_of_leds_occurs():
    rig = Rig.ring(8, any_layout=True)
    layouts = [rig_of_image(rig, 3, index).leds for index in range(200)]
    assert {len(layout) for layout in layouts} == set(range(1, 9))
    assert len(set(layouts)) == 200
    assert rig_of_image(rig, 3, 7).leds == layouts[7]


def test_a_described_rig_is_the_rig_of_every_image():
    rig = Rig.ring(8)
    assert rig_of_image(rig, 3, 7) is rig


def test_eyes_of_any_layout_have_no_more_glints_than_leds_and_the_rest_is_absent():
    rig = Rig.ring(6, any_layout=True, image_size=(64, 64))
    images, keypoints = make_eyes(rig, 0, range(40), None)
    assert images.shape == (40, 64, 64)
    assert keypoints.shape == (40, 6, 2)
    for index in range(40):
        num = len(rig_of_image(rig, 0, index).leds)
        assert np.isnan(keypoints[index, num:]).all()
    assert np.isfinite(keypoints[..., 0]).any(axis=0).sum() >= 5


def test_a_rig_of_any_layout_is_read_and_has_no_constellation(tmp_path: Path):
    path = tmp_path / "any.toml"
    path.write_text(ANY)
    rig = Rig.read(path)
    assert rig.any_layout
    assert rig.num_leds == 12
    assert Constellation.of_rig(rig, (64, 64)) is None


@pytest.mark.parametrize(
    ("lines", "entry"),
    [
        ('layout = "ring"', "leds.layout = ring"),
        ('layout = "any"\nstart_deg = 3', "leds.start_deg"),
        ('layout = "any"\npositions = [[0, 1]]', "leds.positions"),
    ],
)
def test_a_layout_that_contradicts_the_rest_is_refused(tmp_path: Path, lines: str, entry: str):
    path = tmp_path / "rig.toml"
    path.write_text(f"[leds]\n{lines}\n")
    with pytest.raises(RigError) as refused:
        Rig.read(path)
    assert entry in str(refused.value)


def test_a_network_with_a_channel_for_each_led_cannot_learn_any_layout(tmp_path: Path):
    path = tmp_path / "any.toml"
    path.write_text(ANY)
    with pytest.raises(SettingError, match="--class_free"):
        examine(TrainConfig(h5=f"synth:{path}"))
    info, _ = examine(TrainConfig(h5=f"synth:{path}", class_free=True))
    assert info.num_classes == 12


def test_the_fingerprint_of_a_stream_says_whether_layouts_vary(tmp_path: Path):
    path = tmp_path / "any.toml"
    path.write_text(ANY)
    any_layout = SyntheticStream(f"synth:{path}", seed=0).md5
    path.write_text(ANY.replace('layout = "any"\n', ""))
    assert SyntheticStream(f"synth:{path}", seed=0).md5 != any_layout
