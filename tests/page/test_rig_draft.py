import tomllib

import numpy as np
import pytest

from glint_unet.data.synthetic.painting import make_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.errors import DatasetError, RigError
from glint_unet.page.rig_draft import RigDraft, draw_eyes
from tests.conftest import ROOT


def test_a_change_shows_in_the_rig_and_in_the_file(tmp_path):
    draft = RigDraft(tmp_path / "rig.toml")
    draft.set(leds_number=5, leds_size=[0.4, 0.5], scene_level="hard", image_size=[48, 64])
    assert draft.rig.num_leds == 5
    draft.save(draft.path)
    assert Rig.read(draft.path) == draft.rig
    draft.set(leds_size=None)
    assert "size" not in tomllib.loads(draft.toml())["leds"]


def test_a_value_out_of_range_is_refused_and_changes_nothing(tmp_path):
    draft = RigDraft(tmp_path / "rig.toml")
    before = draft.rig, draft.toml()
    with pytest.raises(RigError, match=r"leds\.size"):
        draft.set(leds_number=3, leds_size=[0.8, 0.2])
    assert (draft.rig, draft.toml()) == before


def test_every_entry_of_a_file_survives(tmp_path):
    draft = RigDraft.read(ROOT / "examples/rig.toml")
    draft.set(scene_backgrounds='eye "left" ü.mp4', scene_backgrounds_share=0.25)
    draft.set(leds_number=None, leds_start_deg=None, leds_positions=[[0, -1], [0.7, 0.7], [-0.7, 0.7]])
    assert draft.has_positions
    draft.save(tmp_path / "copy.toml")
    assert tomllib.loads((tmp_path / "copy.toml").read_text()) == draft.tables
    assert RigDraft.read(tmp_path / "copy.toml").tables == draft.tables


def test_a_file_is_not_replaced_unless_that_is_wanted(tmp_path):
    path = tmp_path / "rig.toml"
    path.write_text("[leds]\nnumber = 4\n")
    draft = RigDraft(path)
    with pytest.raises(DatasetError, match="exists"):
        draft.save(path)
    assert Rig.read(path).num_leds == 4
    draft.save(path, overwrite=True)
    assert Rig.read(path).num_leds == 8
    with pytest.raises(DatasetError, match="nowhere"):
        draft.save(tmp_path / "nowhere" / "rig.toml")


def test_the_pictures_are_those_that_training_sees(tmp_path):
    draft = RigDraft(tmp_path / "rig.toml")
    draft.set(image_size=32)
    images, keypoints = draw_eyes(draft.path, draft.tables, 3, 2)
    expected = make_eyes(draft.rig, 3, range(2), None)
    np.testing.assert_array_equal(images, expected[0])
    np.testing.assert_array_equal(keypoints, expected[1])
