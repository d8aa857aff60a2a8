from typing import Any

import h5py
import numpy as np
import pytest

from glint_unet.data.dataset_file import inspect_dataset, open_dataset
from glint_unet.data.dataset_reader import load_array, read_stems
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import DatasetError, SpaceError

C, H, W, h, w = 2, 16, 24, 8, 12


def writer(path, **changes):
    sizes: dict[str, Any] = {"num_classes": C, "image_size": (H, W), "heatmap_size": (h, w), "attributes": {}}
    return DatasetWriter(path, **(sizes | changes))


def rows(num, seed=0):
    rng = np.random.default_rng(seed)
    heatmaps = np.zeros((num, C, h, w), np.float16)
    heatmaps[:, :, 3, 4] = 1
    keypoints = rng.uniform(0, 15, (num, C, 2)).astype(np.float32)
    keypoints[0, 1] = np.nan
    return rng.integers(0, 255, (num, H, W), dtype=np.uint8), heatmaps, keypoints, [f"{seed}_{k}" for k in range(num)]


@pytest.mark.parametrize("compression", [None, "gzip", "lzf"])
def test_what_is_written_is_read_back_as_a_valid_data_set(tmp_path, compression):
    path, parts = tmp_path / "a.h5", [rows(3, seed=1), rows(2, seed=2)]
    with writer(path, compression=compression, attributes={"sigma_min": 2.5, "prefix": "led"}) as made:
        for part in parts:
            made.append(*part)
        made.set_attribute("stretched", "yes")
        assert made.num_rows == 5
    validate_dataset(path)
    with open_dataset(path) as (file, info):
        assert (info.num_images, info.num_classes, info.stride) == (5, C, 2)
        assert (info.sigma_heatmap_px, info.prefix, info.stretched) == (2.5, "led", True)
        assert read_stems(file, info) == ["1_0", "1_1", "1_2", "2_0", "2_1"]
        for k, name in enumerate(("images", "heatmaps", "keypoints")):
            expected = np.concatenate([part[k] for part in parts])
            assert np.array_equal(load_array(file, name), expected, equal_nan=k > 0)
        assert file["present"][:, 1].tolist() == [0, 1, 1, 0, 1]


def test_a_flipped_bit_in_what_was_written_is_noticed(tmp_path):
    path = tmp_path / "a.h5"
    with writer(path) as made:
        made.append(*rows(4))
    with h5py.File(path) as file:
        offset = file["heatmaps"].id.get_chunk_info(2).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(DatasetError, match="heatmaps"):
        validate_dataset(path)


def test_sizes_without_a_stride_are_refused_before_anything_is_written(tmp_path):
    with pytest.raises(DatasetError, match="16x24 and heatmap 5x12"):
        writer(tmp_path / "a.h5", heatmap_size=(5, 12))
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_nearly_full_is_refused_and_the_earlier_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a.h5"
    with writer(path) as made:
        made.append(*rows(2))
    monkeypatch.setattr("glint_unet.files._free_bytes", lambda path: 2**20)
    with pytest.raises(SpaceError, match="Disk full"), writer(path) as made:
        made.append(*rows(3))
    assert inspect_dataset(path).num_images == 2
    assert list(tmp_path.iterdir()) == [path]
