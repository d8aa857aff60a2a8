"""What the data browser reads of a data set, in the page's worker process.

Legend: N images, B rows read together, C LEDs, H W image, h w heatmap.
"""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data import dataset_reader
from glint_unet.data.dataset_file import DatasetInfo, open_dataset
from glint_unet.data.heatmaps import keypoints_of_heatmaps, render_heatmaps
from glint_unet.errors import DatasetError
from glint_unet.page.browse_brightness import is_away_from_light


class Index(NamedTuple):
    """What is held of a data set while it is browsed: little, even for many images.

    Attributes:
        info: what the file declares.
        stems: the N image names.
        keypoints: (N, C, 2) float32, (x, y) in image pixels, NaN where absent; None if the file has only heatmaps.
    """

    info: DatasetInfo
    stems: list[str]
    keypoints: NDArray[np.float32] | None


class Picture(NamedTuple):
    """One image of a data set.

    Attributes:
        image: (H, W) uint8.
        keypoints: (C, 2) float32, (x, y) in image pixels, NaN where absent.
        heatmaps: (C, h, w) uint8, 0..255: those of the file, or, if it has none, as training renders them.
    """

    image: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    heatmaps: NDArray[np.uint8]


class Block(NamedTuple):
    """What is found out about some rows by reading them.

    Attributes:
        keypoints: (B, C, 2) float32.
        away: (B, C) bool: the label lies away from what shines there.
    """

    keypoints: NDArray[np.float32]
    away: NDArray[np.bool_]


def read_index(path: Path) -> Index:
    """Opens a data set for browsing.

    Raises:
        DatasetError: the file violates the format.
    """
    with open_dataset(path) as (file, info):
        keypoints = dataset_reader.load_array(file, "keypoints") if info.has_keypoints else None
        return Index(info, dataset_reader.read_stems(file, info), keypoints)


def read_picture(info: DatasetInfo, row: int) -> Picture:
    """Reads one image with its labels.

    Raises:
        DatasetError: the file is damaged, or another one than when it was opened.
    """
    rows = slice(row, row + 1)
    with open_dataset(info.path) as (file, now):
        _check_same(info, now)
        image = dataset_reader.read_images(file, rows)[0]
        stored = dataset_reader.read_heatmaps(file, rows) if info.has_heatmaps else None
        keypoints = dataset_reader.read_keypoints(file, rows) if info.has_keypoints else _peaks(stored, info.stride)
    if stored is None:
        rendered = render_heatmaps(torch.from_numpy(keypoints), info.heatmap_size, info.stride, info.sigma_heatmap_px)
        stored = rendered.numpy()
    if stored.dtype != np.uint8:
        stored = (stored * 255 + 0.5).astype(np.uint8)
    return Picture(image, keypoints[0], stored[0])


def read_block(info: DatasetInfo, start: int, stop: int) -> Block:
    """Reads rows `start` to `stop` and compares their labels with their brightness; raises as `read_picture`."""
    rows = slice(start, stop)
    with open_dataset(info.path) as (file, now):
        _check_same(info, now)
        images = dataset_reader.read_images(file, rows)
        if info.has_keypoints:
            keypoints = dataset_reader.read_keypoints(file, rows)
        else:
            keypoints = _peaks(dataset_reader.read_heatmaps(file, rows), info.stride)
    return Block(keypoints, is_away_from_light(images, keypoints))


def read_image_block(info: DatasetInfo, start: int, stop: int) -> NDArray[np.uint8]:
    """The images (B, H, W) of rows `start` to `stop`; raises as `read_picture`."""
    with open_dataset(info.path) as (file, now):
        _check_same(info, now)
        return dataset_reader.read_images(file, slice(start, stop))


def _peaks(heatmaps: NDArray[Any] | None, stride: int) -> NDArray[np.float32]:
    assert heatmaps is not None
    unit = torch.from_numpy(heatmaps).float() / (255 if heatmaps.dtype == np.uint8 else 1)
    keypoints: NDArray[np.float32] = keypoints_of_heatmaps(unit, stride).numpy()
    return keypoints


def _check_same(info: DatasetInfo, now: DatasetInfo) -> None:
    if now.key != info.key:
        raise DatasetError("page_data_changed", path=info.path)
