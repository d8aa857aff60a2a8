import h5py
import numpy as np
import pytest

from glint_unet.data.summary import summarise
from glint_unet.errors import DatasetError


def test_the_figures_are_those_of_the_arrays(data):
    summary = summarise(data)
    with h5py.File(data) as file:
        images, keypoints = file["images"][:], file["keypoints"][:]
        highest = float(file["heatmaps"][:].max())
    present = np.isfinite(keypoints).all(axis=-1)
    assert summary.size_bytes == data.stat().st_size
    assert summary.image_range == (images.min(), images.max())
    assert summary.image_mean == pytest.approx(images.mean())
    assert summary.heatmap_range == (0.0, highest)
    assert [channel.label for channel in summary.channels] == ["g1", "g2", "g3"]
    assert [channel.num_present for channel in summary.channels] == present.sum(axis=0).tolist()
    for c, channel in enumerate(summary.channels):
        x, y = keypoints[present[:, c], c].T
        assert channel.x_range == (x.min(), x.max())
        assert channel.y_range == (y.min(), y.max())
    assert sum(summary.glints_per_image) == len(images)
    assert sum(k * num for k, num in enumerate(summary.glints_per_image)) == present.sum()


def test_heatmaps_alone_give_nearly_the_same_figures(private_data):
    with_keypoints = summarise(private_data)
    with h5py.File(private_data, "r+") as file:
        del file["keypoints"]
    alone = summarise(private_data)
    for one, other in zip(alone.channels, with_keypoints.channels, strict=True):
        assert one.num_present == other.num_present
        for found, true in ((one.x_range, other.x_range), (one.y_range, other.y_range)):
            assert found == pytest.approx(true, abs=0.05)
    assert alone.glints_per_image == with_keypoints.glints_per_image


def test_uint8_heatmaps_are_reported_in_zero_to_one_and_an_led_that_never_shows_has_no_range(tmp_path):
    heatmaps = np.zeros((4, 2, 8, 8), np.uint8)
    heatmaps[:, 0, 3, 4] = 255
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"], file["heatmaps"] = np.ones((4, 16, 16), np.uint8), heatmaps
    summary = summarise(tmp_path / "a.h5")
    assert (summary.heatmap_range, summary.heatmap_dtype) == ((0.0, 1.0), "uint8")
    assert summary.channels[1].x_range is None
    assert summary.glints_per_image == (0, 4, 0)
    assert summary.to_dict()["info"]["num_images"] == 4


def test_a_bad_value_is_refused(private_data):
    with h5py.File(private_data, "r+") as file:
        file["heatmaps"][0, 0, 0, 0] = 2
    with pytest.raises(DatasetError, match="heatmaps"):
        summarise(private_data)
