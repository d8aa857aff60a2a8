"""Batches: rows of a data set as tensors, kept as uint8 and float16 until they are on the compute device."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.heatmaps import keypoints_of_heatmaps

Rows = NDArray[np.int64]


class Batch(NamedTuple):
    """Rows of a data set, as stored.

    Attributes:
        images: (B, H, W) uint8.
        heatmaps: (B, C, h, w) uint8 (0..255) or float16 (0..1); None if they are rendered from keypoints.
        keypoints: (B, C, 2) float32, (x, y) in image pixels, NaN where absent; None if the file has only heatmaps.
    """

    images: Tensor
    heatmaps: Tensor | None
    keypoints: Tensor | None

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> "Batch":
        """Builds a batch from arrays by name; missing ones are None."""
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return cls(tensors["images"], tensors.get("heatmaps"), tensors.get("keypoints"))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """Applies a function to every tensor of the batch."""
        images, heatmaps, keypoints = (None if part is None else change(part) for part in self)
        assert images is not None
        return Batch(images, heatmaps, keypoints)

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return self.each(lambda part: part.to(device, non_blocking=True))

    def part(self, rows: slice) -> "Batch":
        """A slice of the batch, as views."""
        return self.each(lambda part: part[rows])

    def network_input(self) -> Tensor:
        """The images as (B, 1, H, W) float32 in [0, 1]."""
        return self.images[:, None].float() / 255

    def stored_heatmaps(self) -> Tensor:
        """The stored heatmaps as (B, C, h, w) float32 in [0, 1]."""
        assert self.heatmaps is not None
        return self.heatmaps.float() / 255 if self.heatmaps.dtype == torch.uint8 else self.heatmaps.float()

    def true_keypoints(self, info: DatasetInfo) -> Tensor:
        """The stored keypoints (B, C, 2) float32, or else the peaks of the stored heatmaps; NaN where absent."""
        if self.keypoints is not None:
            return self.keypoints
        return keypoints_of_heatmaps(self.stored_heatmaps(), info.stride)
