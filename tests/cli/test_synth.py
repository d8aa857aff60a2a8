"""`glint-unet synth`: what it draws, by its flags or by a rig file."""

import h5py
import numpy as np
import pytest

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
    ],
)
def test_flags_that_contradict_each_other_are_refused_and_nothing_is_written(command, tmp_path, words, fragment):
    status, _, err = command("synth", tmp_path / "a.h5", "--num", 2, *words, "--lang", "en")
    assert status == 2
    assert fragment in err
    assert err.count("\n") == 1
    assert not (tmp_path / "a.h5").exists()
