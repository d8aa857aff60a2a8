"""The pseudo-labelled data set: what is held out is what its run validates on; synthetic eyes only of the same rig."""

import re

import h5py
import numpy as np
import pytest

from glint_unet.adaptation.pseudo_dataset import rig_of, synthetic_rows, write_pseudo_dataset
from glint_unet.adaptation.pseudo_labels import Rows
from glint_unet.data.split import draw_split
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import RigError
from glint_unet.inference.trained_model import load_model
from tests.conftest import EYES

RIG = '[leds]\nnumber = {leds}\n[image]\nsize = [48, 64]\nstride = 2\n[scene]\nlevel = "easy"\n'


def rows_named(name, num):
    rows = Rows()
    for k in range(num):
        rows.add(np.full((48, 64), k, np.uint8), np.full((2, 2), 10.5, np.float32), f"{name}{k}")
    return rows


@pytest.mark.parametrize(("num_train", "num_held"), [(1, 1), (7, 2), (83, 11), (130, 1), (5, 9)])
def test_the_run_validates_on_what_was_held_back(eyes_run, tmp_path, num_train, num_held):
    path = tmp_path / "pseudo.h5"
    write_pseudo_dataset(path, load_model(eyes_run), rows_named("t", num_train), rows_named("v", num_held), 3)
    validate_dataset(path)
    split = draw_split(num_train + num_held, num_held / (num_train + num_held), 3)
    with h5py.File(path) as file:
        stems = [stem.decode() for stem in file["stems"][:]]
        assert {stems[row][0] for row in split.val} == {"v"}
        assert {stems[row][0] for row in split.train} == {"t"}
        for row, stem in enumerate(stems):
            assert file["images"][row, 0, 0] == int(stem[1:])


def test_synthetic_eyes_are_those_of_the_runs_rig_if_it_is_still_the_same(eyes_run, tmp_path, monkeypatch):
    model, rig = load_model(eyes_run), tmp_path / "rig.toml"
    with pytest.raises(RigError, match="cannot be read"):
        rig_of(f"synth:{rig}", model)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RigError, match=re.escape(str(rig))):  # where it was searched for
        rig_of("synth:rig.toml", model)
    rig.write_text(RIG.format(leds=3))
    with pytest.raises(RigError, match="3 LEDs and images of 48x64, the model 2 and 48x64"):
        rig_of(f"synth:{rig}", model)
    rig.write_text(RIG.format(leds=2))
    assert rig_of(f"synth:{rig}", model) is not None
    assert rig_of(str(tmp_path / "eyes.h5"), model) is None


def test_synthetic_rows_differ_from_each_other_and_are_a_function_of_the_seed():
    one, other = synthetic_rows(EYES, 3, 1), synthetic_rows(EYES, 3, 1)
    assert np.array_equal(one.images, other.images)
    assert not np.array_equal(one.images[0], one.images[1])
