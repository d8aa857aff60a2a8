"""Image files -> grey 8-bit arrays, and the one way in which the package resizes them."""

import math
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from glint_unet.errors import AnnotationError, one_line

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm")


def read_image(path: Path, stream: BinaryIO | None = None) -> NDArray[np.uint8]:
    """An image file as (H, W) uint8: colour becomes luminance, 16 bits keep their upper eight.

    Args:
        path: the file, for messages too.
        stream: its content, where that is not in the file.

    Raises:
        AnnotationError: not an image, truncated, or absurdly large.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(stream or path) as image:
                upright = ImageOps.exif_transpose(image)
                if upright.mode.startswith("I"):
                    return np.clip(np.asarray(upright, dtype=np.int64) // 256, 0, 255).astype(np.uint8)
                return np.asarray(upright.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise AnnotationError("image_unreadable", path=path, reason=one_line(error)) from error


def resize_image(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) uint8 to `size` = (H', W'): bilinear, over the whole area of each new pixel where it shrinks.

    Points move as `glint_unet.data.heatmaps.scale_points` says.
    """
    if image.shape == size:
        return image
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR))


@dataclass(frozen=True)
class Placement:
    """Where an image lies inside the network's input: scaled, then shifted; the rest is padding.

    Attributes:
        size: (H', W') of the whole input.
        inner: (h, w) of the scaled image.
        corner: (x, y) of its top-left pixel.
        scale: (x, y) scaled pixels per pixel of the image.
    """

    size: tuple[int, int]
    inner: tuple[int, int]
    corner: tuple[int, int]
    scale: tuple[float, float]

    @classmethod
    def of(cls, image_size: tuple[int, int], size: tuple[int, int], *, stretch: bool = False) -> "Placement":
        """An image of `image_size` in the middle of an input of `size`, its aspect kept unless `stretch`."""
        (old_H, old_W), (H, W) = image_size, size
        if stretch:
            return cls(size, size, (0, 0), (W / old_W, H / old_H))
        scale = min(H / old_H, W / old_W)
        inner = max(1, min(H, round(old_H * scale))), max(1, min(W, round(old_W * scale)))
        corner = (W - inner[1]) // 2, (H - inner[0]) // 2
        return cls(size, inner, corner, (inner[1] / old_W, inner[0] / old_H))

    @property
    def mean_scale(self) -> float:
        """Scaled pixels per pixel, the geometric mean of both axes."""
        return math.sqrt(self.scale[0] * self.scale[1])

    def back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Points (..., 2) of the input as points of the image; (0, 0) is the centre of the top-left pixel in both."""
        inner = points.astype(np.float64) - np.array(self.corner)
        moved: NDArray[np.float32] = ((inner + 0.5) / np.array(self.scale) - 0.5).astype(np.float32)
        return moved

    def forth(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Points (..., 2) of the image as points of the input: the inverse of `back`."""
        scaled = (np.asarray(points, np.float64) + 0.5) * np.array(self.scale) - 0.5
        moved: NDArray[np.float32] = (scaled + np.array(self.corner)).astype(np.float32)
        return moved


def place_image(image: NDArray[np.uint8], placement: Placement) -> NDArray[np.uint8]:
    """An image (H, W) uint8 scaled and padded as the placement says; the padding repeats the image's border."""
    resized = resize_image(image, placement.inner)
    (H, W), (h, w), (x, y) = placement.size, placement.inner, placement.corner
    return resized if (h, w) == (H, W) else np.pad(resized, ((y, H - h - y), (x, W - w - x)), mode="edge")
