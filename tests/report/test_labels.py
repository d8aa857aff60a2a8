"""Labels drawn over the images of a data set."""

import h5py
import numpy as np
from PIL import Image

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.report.labels import draw_labels
from glint_unet.report.palette import led_colour


def test_labels_of_keypoints_and_of_heatmaps_are_drawn_alike(private_data, tmp_path):
    draw_labels(inspect_dataset(private_data), tmp_path / "keypoints.png")
    with h5py.File(private_data, "r+") as file:
        num = np.isfinite(file["keypoints"][()]).all(axis=-1).sum(axis=0)
        del file["keypoints"]
    draw_labels(inspect_dataset(private_data), tmp_path / "heatmaps.png")
    assert num.min() > 0
    for name in ("keypoints.png", "heatmaps.png"):
        picture = np.asarray(Image.open(tmp_path / name).convert("RGB"))
        for channel in range(3):
            assert (picture == list(bytes.fromhex(led_colour(channel)[1:]))).all(axis=-1).any()
