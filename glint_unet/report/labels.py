"""Draws the labels of a data set over its images, to look at before training."""

import contextlib
from pathlib import Path

import numpy as np

from glint_unet.data.annotation.image_annotation import led_labels
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.dataset_reader import image_names
from glint_unet.data.sources import FileSource
from glint_unet.report.examples import labelled_examples
from glint_unet.report.picture import draw_examples

_NUM_IMAGES = 12


def draw_labels(info: DatasetInfo, path: Path) -> None:
    """Draws 12 images, evenly spaced, with all their labels, as a PNG.

    Raises:
        DatasetError: the file is damaged.
    """
    rows = np.linspace(0, info.num_images - 1, min(_NUM_IMAGES, info.num_images)).astype(np.int64)
    with contextlib.closing(FileSource(info, num_workers=0)) as source:
        batch = source.gather(rows)
    labels = led_labels(info.prefix, info.num_classes)
    names = image_names(info, rows)
    examples = labelled_examples(batch.images.numpy(), batch.true_keypoints(info).numpy(), names, labels)
    draw_examples(examples, f"{len(rows)} of {info.num_images} images with their labels", path)
