import h5py
import numpy as np
import pytest
import torch

from glint_unet.data.batches import FileSource, MemorySource
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.errors import DatasetError, SpaceError

ROWS = [np.array([7, 2, 2, 19]), np.array([0, 1]), np.array([5])]


def same(a, b) -> bool:
    return all(torch.equal(x.nan_to_num(-1), y.nan_to_num(-1)) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_memory_shared_copy_and_file_give_the_same_batches(data, shm_root, num_workers):
    info = inspect_dataset(data)
    memory, shared, file = (
        MemorySource(info),
        MemorySource(info, shared=True),
        FileSource(info, num_workers=num_workers),
    )
    for a, b, c in zip(memory.batches(ROWS), shared.batches(ROWS), file.batches(ROWS), strict=True):
        assert a.images.dtype == torch.uint8
        assert a.heatmaps.dtype == torch.float16
        assert same(a, b)
        assert same(a, c)
    for source in (memory, shared, file):
        source.close()


def test_rows_come_in_the_order_asked_for(data):
    info = inspect_dataset(data)
    with h5py.File(data) as file:
        images = file["images"][:]
    for source in (MemorySource(info), FileSource(info, num_workers=0)):
        assert np.array_equal(source.gather(ROWS[0]).images.numpy(), images[ROWS[0]])
        source.close()


def test_rendered_targets_equal_the_stored_ones(data):
    info = inspect_dataset(data)
    batch = MemorySource(info).gather(np.arange(8))
    rendered = render_heatmaps(batch.keypoints, info.heatmap_size, info.stride, info.sigma_px)
    assert torch.allclose(rendered, batch.stored_heatmaps(), atol=1e-3)


def test_keypoints_are_read_off_heatmaps_where_the_file_has_none(data):
    info = inspect_dataset(data)
    batch = MemorySource(info).gather(np.arange(8))
    found = batch._replace(keypoints=None).true_keypoints(info)
    assert torch.equal(found.isnan(), batch.keypoints.isnan())
    assert torch.allclose(found.nan_to_num(), batch.keypoints.nan_to_num(), atol=0.05)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_bad_value_in_the_file_is_told_as_the_users_mistake_from_any_process(private_data, num_workers):
    with h5py.File(private_data, "r+") as file:
        file["heatmaps"][3, 0, 0, 0] = np.nan
    source = FileSource(inspect_dataset(private_data), num_workers=num_workers)
    with pytest.raises(DatasetError, match="heatmaps"):
        list(source.batches([np.array([0, 1]), np.array([2, 3])]))


def test_a_set_larger_than_the_memory_is_refused_before_it_is_read(data, monkeypatch):
    class Little:
        available = 1000

    monkeypatch.setattr("psutil.virtual_memory", lambda: Little)
    with pytest.raises(SpaceError, match="--no_preload"):
        MemorySource(inspect_dataset(data))
