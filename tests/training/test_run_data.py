"""The data of a run: validated, split and loaded according to its settings."""

import dataclasses

import h5py
import numpy as np
import pytest
import torch

from glint_unet.config import TrainConfig
from glint_unet.data.file_identity import md5_of_file
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import SettingError
from glint_unet.model.constellation import Constellation
from glint_unet.training.run_data import cache_of_run, constellation_of, examine, needed, new_split, open_data
from tests.run_files import settings

CPU = torch.device("cpu")


def test_a_sound_file_is_described_with_its_content(data, tmp_path):
    info, md5 = examine(settings(data, tmp_path))
    assert info.num_images == 20
    assert md5 == md5_of_file(data)


def test_stored_targets_need_stored_heatmaps(private_data, tmp_path):
    with h5py.File(private_data, "r+") as file:
        del file["heatmaps"]
    with pytest.raises(SettingError, match="heatmaps"):
        examine(settings(private_data, tmp_path, targets="file", augment=False))


def test_a_flip_that_names_other_leds_is_refused(data, tmp_path):
    with pytest.raises(SettingError, match="--flip"):
        examine(settings(data, tmp_path, flip="1,2,3,4"))


def test_heatmaps_that_are_rendered_are_not_loaded(data, tmp_path):
    config = settings(data, tmp_path)
    info, _ = examine(config)
    assert not needed(config, info).has_heatmaps
    assert needed(dataclasses.replace(config, targets="file", augment=False), info).has_heatmaps


def test_the_split_is_a_function_of_the_seed_and_has_the_part_requested(data, tmp_path):
    config = settings(data, tmp_path, val_split=0.25)
    info, _ = examine(config)
    first, same = new_split(config, info), new_split(config, info)
    assert np.array_equal(first.val, same.val)
    assert len(first.val) == 5
    assert sorted([*first.train, *first.val]) == list(range(20))
    assert not np.array_equal(first.val, new_split(dataclasses.replace(config, seed=9), info).val)


@pytest.mark.parametrize("cache", ["ram", "none"])
def test_the_same_rows_come_from_wherever_the_data_is_held(data, tmp_path, cache):
    config = settings(data, tmp_path, cache=cache, num_workers=0)
    info, _ = examine(config)
    assert cache_of_run(config, info, CPU, 1) == cache
    source = open_data(config, info, CPU, 1)
    batch = source.gather(np.array([3, 1]))
    source.close()
    with h5py.File(data) as file:
        assert np.array_equal(batch.images.numpy().reshape(2, 32, 32), file["images"][:][[3, 1]])


def test_the_constellation_is_that_of_the_rig_or_what_keypoints_or_heatmaps_show(tmp_path):
    rig = tmp_path / "rig.toml"
    rig.write_text("[leds]\nnumber = 6\n[image]\nsize = [48, 64]\nstride = 2\n[scene]\nlevel = 'easy'\n")
    layout = np.array(Constellation.from_layout(Rig.ring(6).positions(), (1, 2)).layout)
    config = TrainConfig(h5=f"synth:{rig}")
    info, _ = examine(config)
    of_rig = constellation_of(config, info, new_split(config, info))
    assert np.allclose(of_rig.layout, layout, atol=1e-5)
    path = tmp_path / "eyes.h5"
    list(write_synthetic(path, Rig.read(rig), num=120, seed=1))
    config = TrainConfig(h5=str(path))
    for _ in range(2):
        info, _ = examine(config)
        learnt = constellation_of(config, info, new_split(config, info))
        assert np.abs(np.array(learnt.layout) - layout).max() < 0.12
        assert learnt.size_px[0] < of_rig.size_px[1]
        assert learnt.size_px[1] > of_rig.size_px[0]
        with h5py.File(path, "r+") as file:
            file.pop("keypoints", None)  # then from the heatmaps
    assert constellation_of(TrainConfig(h5=str(path), decoding="argmax"), info, new_split(config, info)) is None


def test_leds_all_at_one_place_have_no_constellation(tmp_path):
    rig = tmp_path / "rig.toml"
    rig.write_text("[leds]\npositions = [[0, 0], [0, 0], [0, 0], [0, 0]]\n")
    config = TrainConfig(h5=f"synth:{rig}")
    info, _ = examine(config)
    assert constellation_of(config, info, new_split(config, info)) is None
