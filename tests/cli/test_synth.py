"""`glint-unet synth`: what it draws, by its flags or by a rig file."""

import sys

import h5py
import numpy as np
import pytest
from PIL import Image

from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig

RIG = """
image_size = [48, 32]
leds = 2
validation = 4
"""


def test_flags_decide_sizes_and_number_of_leds(command, tmp_path):
    path = tmp_path / "a.h5"
    words = ["--num", 3, "--size", 32, "--heatmap_size", 16, "--num_classes", 2, "--level", "easy", "--lang", "en"]
    status, out, _ = command("synth", path, *words)
    assert status == 0
    assert str(path) in out
    with h5py.File(path) as file:
        assert file["images"].shape == (3, 32, 32)
        assert file["heatmaps"].shape == (3, 2, 16, 16)


def test_an_image_is_a_function_of_the_seed(command, tmp_path):
    images = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert command("synth", tmp_path / f"{name}.h5", "--num", 2, "--size", 32, "--seed", seed)[0] == 0
        with h5py.File(tmp_path / f"{name}.h5") as file:
            images.append(file["images"][:])
    assert np.array_equal(images[0], images[1])
    assert not np.array_equal(images[0], images[2])


@pytest.mark.parametrize(
    ("words", "fragment"),
    [
        (["--size", 32, "--heatmap_size", 5], "5"),
        (["--rig", "rig.toml", "--size", 32, "--level", "easy"], "--size, --level"),
        (["--rig", "no.toml"], "no.toml"),
        (["--backgrounds", "nowhere"], "nowhere"),
        (["--backgrounds", "tests"], "tests"),
        (["--backgrounds_share", 0.3], "--backgrounds"),
    ],
)
def test_flags_that_contradict_each_other_are_refused_and_nothing_is_written(command, tmp_path, words, fragment):
    status, _, err = command("synth", tmp_path / "a.h5", "--num", 2, *words, "--lang", "en")
    assert status == 2
    assert fragment in err
    assert err.count("\n") == 1
    assert not (tmp_path / "a.h5").exists()


@pytest.fixture
def frames(tmp_path):
    """A folder of three frames of eyes and a file that is no image."""
    folder = tmp_path / "frames"
    folder.mkdir()
    images, _ = render_eyes(Rig.ring(4, image_size=(96, 128), level="easy"), 7, range(3))
    for k, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{k}.png")
    (folder / "broken.png").write_bytes(b"no image")
    return folder


def test_glints_are_painted_onto_the_frames_of_a_rig(command, frames, tmp_path):
    path = tmp_path / "a.h5"
    words = ["--num", 12, "--size", 64, "--num_classes", 3, "--backgrounds", frames, "--lang", "en"]
    status, out, _ = command("synth", path, *words)
    assert status == 0
    assert "3 used" in out
    assert "broken.png" in out
    with h5py.File(path) as file:
        kinds = [stem.decode().partition("_")[0] for stem in file["stems"]]
        assert set(kinds) == {"painted", "synthetic"}
        assert np.isfinite(file["keypoints"][:]).any()
        assert file.attrs["backgrounds"] == str(frames)
        assert file.attrs["backgrounds_share"] == 0.5
        assert len(file.attrs["backgrounds_md5"]) == 32


def test_a_rig_file_may_name_its_frames_and_a_flag_says_how_many_are_painted(command, frames, tmp_path):
    (tmp_path / "rig.toml").write_text('[image]\nsize = 64\n[scene]\nbackgrounds = "frames"\n')
    words = ["--num", 4, "--rig", tmp_path / "rig.toml", "--backgrounds_share", 1, "--lang", "en"]
    assert command("synth", tmp_path / "a.h5", *words)[0] == 0
    with h5py.File(tmp_path / "a.h5") as file:
        assert all(stem.startswith(b"painted_") for stem in file["stems"])


def test_frames_without_an_eye_are_refused_and_nothing_is_written(command, tmp_path):
    Image.fromarray(np.full((48, 64), 100, np.uint8)).save(tmp_path / "wall.png")
    status, _, err = command("synth", tmp_path / "a.h5", "--num", 2, "--backgrounds", tmp_path, "--lang", "en")
    assert status == 2
    assert "pupil" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "a.h5").exists()


def test_frames_of_a_video_need_its_package(command, tmp_path, monkeypatch):
    (tmp_path / "eye.mp4").write_bytes(b"x")
    monkeypatch.setitem(sys.modules, "cv2", None)
    status, _, err = command("synth", tmp_path / "a.h5", "--backgrounds", tmp_path / "eye.mp4", "--lang", "en")
    assert status == 2
    assert "[video]" in err
    assert err.count("\n") == 1
