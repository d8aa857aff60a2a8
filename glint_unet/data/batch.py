"""A batch: some rows of a data set as whole tensors, uint8 and float16 until they are on the device that computes."""

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
    """Some rows of a data set, as stored.

    Attributes:
        images: (B, H, W) uint8.
        heatmaps: (B, C, h, w) uint8 (0..255) or float16 (0..1); None where they are to be rendered.
        keypoints: (B, C, 2) float32, (x, y) in image pixels, NaN where absent; None where only heatmaps are known.
    """

    images: Tensor
    heatmaps: Tensor | None
    keypoints: Tensor | None

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> "Batch":
        """The batch of arrays by name; what is not among them is None."""
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return cls(tensors["images"], tensors.get("heatmaps"), tensors.get("keypoints"))

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch with every array changed."""
        images, heatmaps, keypoints = (None if part is None else change(part) for part in self)
        assert images is not None
        return Batch(images, heatmaps, keypoints)

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return self.each(lambda part: part.to(device, non_blocking=True))

    def part(self, rows: slice) -> "Batch":
        """Some of its images, not copied."""
        return self.each(lambda part: part[rows])

    def network_input(self) -> Tensor:
        """(B, 1, H, W) float32 in [0, 1]."""
        return self.images[:, None].float() / 255

    def stored_heatmaps(self) -> Tensor:
        """(B, C, h, w) float32 in [0, 1]: the file's heatmaps."""
        assert self.heatmaps is not None
        return self.heatmaps.float() / 255 if self.heatmaps.dtype == torch.uint8 else self.heatmaps.float()

    def true_keypoints(self, info: DatasetInfo) -> Tensor:
        """(B, C, 2) float32: the file's keypoints, or the peaks of its heatmaps."""
        if self.keypoints is not None:
            return self.keypoints
        return keypoints_of_heatmaps(self.stored_heatmaps(), info.stride)
