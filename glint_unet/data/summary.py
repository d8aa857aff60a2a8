"""Summary statistics of a data set: sizes, value ranges, and how often each LED's glint is present."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data import dataset_file, dataset_reader
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.heatmaps import keypoints_of_heatmaps


@dataclass(frozen=True)
class ChannelSummary:
    """Statistics of one LED.

    Attributes:
        label: label of the LED, e.g. g3.
        num_present: number of images in which its glint is present.
        x_range, y_range: minimum and maximum position of the glint, in image pixels; None if it is never present.
    """

    label: str
    num_present: int
    x_range: tuple[float, float] | None
    y_range: tuple[float, float] | None


@dataclass(frozen=True)
class DatasetSummary:
    """Statistics of a data set whose values have all been read and validated.

    Attributes:
        info: what the file declares.
        size_bytes: size of the file.
        image_range: minimum and maximum pixel value.
        image_mean: mean pixel value.
        heatmap_range: minimum and maximum heatmap value, 0..1; None if the file has no heatmaps.
        heatmap_dtype: dtype of heatmaps in memory; None if the file has none.
        channels: statistics of each LED.
        glints_per_image: entry k is the number of images with k glints.
    """

    info: DatasetInfo
    size_bytes: int
    image_range: tuple[int, int]
    image_mean: float
    heatmap_range: tuple[float, float] | None
    heatmap_dtype: str | None
    channels: tuple[ChannelSummary, ...]
    glints_per_image: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {**asdict(self), "info": self.info.to_dict()}


def summarise(path: str | Path) -> DatasetSummary:
    """Reads a whole data set, a few rows at a time.

    Raises:
        DatasetError: the structure or a value violates the format.
    """
    with dataset_file.open_dataset(path) as (file, info):
        images, heatmaps = _Range(), _Range()
        keypoints = np.empty((info.num_images, info.num_classes, 2), np.float32)
        for _, block in dataset_reader.read_blocks(file, "images"):
            images.add(block)
        if info.has_keypoints:
            keypoints[...] = dataset_reader.load_array(file, "keypoints")
        if info.has_heatmaps:
            for rows, block in dataset_reader.read_blocks(file, "heatmaps"):
                heatmaps.add(block)
                if not info.has_keypoints:
                    unit = torch.from_numpy(block).float() / (255 if block.dtype == np.uint8 else 1)
                    keypoints[rows] = keypoints_of_heatmaps(unit, info.stride).numpy()
        dataset_reader.read_stems(file, info)
        scale = 255 if info.has_heatmaps and file["heatmaps"].dtype == np.uint8 else 1
        dtype = dataset_reader.compact_form(file, "heatmaps")[1].name if info.has_heatmaps else None
    present: NDArray[np.bool_] = np.asarray(np.isfinite(keypoints).all(axis=-1))
    return DatasetSummary(
        info=info,
        size_bytes=Path(path).stat().st_size,
        image_range=(int(images.low), int(images.high)),
        image_mean=images.mean,
        heatmap_range=(heatmaps.low / scale, heatmaps.high / scale) if info.has_heatmaps else None,
        heatmap_dtype=dtype,
        channels=tuple(_channel(f"{info.prefix}{c + 1}", keypoints[present[:, c], c]) for c in range(info.num_classes)),
        glints_per_image=tuple(np.bincount(present.sum(axis=1), minlength=info.num_classes + 1).tolist()),
    )


def _channel(label: str, points: NDArray[np.float32]) -> ChannelSummary:
    if not len(points):
        return ChannelSummary(label, 0, None, None)
    (x_low, y_low), (x_high, y_high) = points.min(axis=0).tolist(), points.max(axis=0).tolist()
    return ChannelSummary(label, len(points), (x_low, x_high), (y_low, y_high))


class _Range:
    """Minimum, maximum and mean of the values added so far."""

    def __init__(self) -> None:
        self.low, self.high = float("inf"), float("-inf")
        self._sum, self._num = 0.0, 0

    def add(self, values: NDArray[Any]) -> None:
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self._sum += float(values.sum(dtype=np.float64))
        self._num += values.size

    @property
    def mean(self) -> float:
        return self._sum / self._num
