import numpy as np
import torch

from glint_unet.data.batch import Batch
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.data.sources import MemorySource


def test_rendered_targets_equal_the_stored_ones(data):
    info = inspect_dataset(data)
    batch = MemorySource(info).gather(np.arange(8))
    assert batch.keypoints is not None
    rendered = render_heatmaps(batch.keypoints, info.heatmap_size, info.stride, info.sigma_heatmap_px)
    assert torch.allclose(rendered, batch.stored_heatmaps(), atol=1e-3)


def test_keypoints_are_read_off_heatmaps_where_the_file_has_none(data):
    info = inspect_dataset(data)
    batch = MemorySource(info).gather(np.arange(8))
    found = batch._replace(keypoints=None).true_keypoints(info)
    assert torch.equal(found.isnan(), batch.keypoints.isnan())
    assert torch.allclose(found.nan_to_num(), batch.keypoints.nan_to_num(), atol=0.05)


def test_uint8_heatmaps_and_images_become_values_of_zero_to_one():
    full = np.full((2, 1, 4, 4), 255, np.uint8)
    batch = Batch.of({"images": full[:, 0], "heatmaps": full})
    assert batch.keypoints is None
    assert torch.equal(batch.network_input(), torch.ones(2, 1, 4, 4))
    assert torch.equal(batch.stored_heatmaps(), torch.ones(2, 1, 4, 4))


def test_a_part_of_a_batch_has_those_images_and_is_not_copied():
    batch = Batch.of({"images": np.arange(4, dtype=np.uint8).reshape(4, 1, 1), "keypoints": np.zeros((4, 1, 2))})
    part = batch.part(slice(1, 3))
    assert part.images.flatten().tolist() == [1, 2]
    assert part.images.data_ptr() == batch.images[1].data_ptr()
    assert part.keypoints is not None
    assert len(part.keypoints) == 2
