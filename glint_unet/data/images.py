"""Image files -> grey 8-bit arrays, and the one way in which the package resizes them."""

import warnings
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from glint_unet.errors import AnnotationError

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
        raise AnnotationError("image_unreadable", path=path, reason=" ".join(str(error).split())[:200]) from error


def resize_image(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(H, W) uint8 to `size` = (H', W'): bilinear, over the whole area of each new pixel where it shrinks.

    Points move as `glint_unet.data.heatmaps.scale_points` says.
    """
    if image.shape == size:
        return image
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR))
