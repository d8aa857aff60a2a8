"""Image files -> grey 8-bit arrays, and the one way in which the package resizes them."""

import io
import math
import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from glint_unet.errors import AnnotationError, one_line

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm")

_WHITE_LEVELS = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # of cameras of 8, 10, 12, 14 and 16 bits
_ROUNDING = 2.0  # floats below this are a 0..1 image, slightly exceeded by interpolation or not
_PAGED_FORMATS = ("TIFF", "PNG", "WEBP")  # not MPO: the pictures after the first are previews
_LARGEST_DEEP_COLOUR = 64  # of 255; a 16-bit colour image that is darker may have only 14 bits or fewer


class ImageFacts(NamedTuple):
    """What must be known of the images of a set before the first one is converted.

    Attributes:
        size: (H, W), upright.
        whole: highest grey level of an image of 16-bit integers; None for others.
        real: highest grey level of an image of floats; None for others.
    """

    size: tuple[int, int]
    whole: float | None = None
    real: float | None = None


@dataclass(frozen=True)
class WhiteLevel:
    """The grey level that becomes 255, for images of more than 8 bits.

    A file does not say how many of its 16 bits the camera used, so the white level is the smallest of 255, 1023, 4095,
    16383 and 65535 (8 to 16 bits) that holds the highest level found; of floats also 1. It is one for all images of a
    set, so that they stay comparable.

    Attributes:
        whole: of integers.
        real: of floats.
    """

    whole: float | None = None
    real: float | None = None

    @classmethod
    def of(cls, facts: Iterable[ImageFacts]) -> "WhiteLevel":
        """The white level of a set of images; None for kinds of images that are not in it."""
        known = list(facts)
        whole = max((one.whole for one in known if one.whole is not None), default=None)
        real = max((one.real for one in known if one.real is not None), default=None)
        return cls(
            None if whole is None else _white_level(whole),
            None if real is None else 1.0 if real < _ROUNDING else _white_level(real),
        )

    def __str__(self) -> str:
        """The levels in use, as a user reads them."""
        return ", ".join(f"{level:g}" for level in (self.whole, self.real) if level is not None)


def _white_level(highest: float) -> float:
    return next((level for level in _WHITE_LEVELS if level >= highest), _WHITE_LEVELS[-1])


def inspect_image(path: Path, content: bytes | None = None) -> ImageFacts:
    """Size and highest grey level of an image file; the pixels are read only where they have more than 8 bits.

    Args:
        path: the file, for messages too.
        content: what it holds, where that is not in the file.

    Raises:
        AnnotationError: see `read_image`.
    """
    with _opened(path, content) as image:
        H, W = image.height, image.width
        size = (W, H) if image.getexif().get(0x0112) in (5, 6, 7, 8) else (H, W)
        return _facts(path, image, size)


def read_image(path: Path, content: bytes | None = None, white: WhiteLevel | None = None) -> NDArray[np.uint8]:
    """An image file as (H, W) uint8, upright: colour becomes luminance, transparency is ignored.

    Args:
        path: the file, for messages too.
        content: what it holds, where that is not in the file.
        white: level that becomes 255, where the image has more than 8 bits; None: chosen by this image alone.

    Raises:
        AnnotationError: not an image, truncated, absurdly large, of several pages, or with levels that are not finite,
            negative, above 65535, or above `white`.
    """
    with _opened(path, content) as image:
        is_deep_colour = _is_deep_colour(image)
        upright = ImageOps.exif_transpose(image)
        facts = _facts(path, upright, (upright.height, upright.width))
        if facts.whole is None and facts.real is None:
            grey = np.asarray(upright.convert("L"))
            if is_deep_colour and grey.max() < _LARGEST_DEEP_COLOUR:
                raise AnnotationError("image_deep_colour", path=path)
            return grey
        of_set, of_kind = white or WhiteLevel.of([facts]), "whole" if facts.real is None else "real"
        level, highest = getattr(of_set, of_kind), getattr(facts, of_kind)
        if level is None or highest > (level if level > 1 else _ROUNDING):
            raise AnnotationError("image_levels", path=path, low=0, high=highest, limit=level or 0)
        values = np.asarray(upright).astype(np.float64) * (255 / level) + 0.5
        scaled: NDArray[np.uint8] = np.clip(values, 0, 255).astype(np.uint8)
        return scaled


@contextmanager
def _opened(path: Path, content: bytes | None) -> Iterator[Image.Image]:
    """The image, open; whatever Pillow raises about its content is one AnnotationError."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path if content is None else io.BytesIO(content)) as image:
                num = getattr(image, "n_frames", 1) if image.format in _PAGED_FORMATS else 1
                if num > 1:
                    raise AnnotationError("image_pages", path=path, num=num)
                yield image
    except AnnotationError:
        raise
    except Exception as error:  # Pillow's decoders raise errors of many kinds (struct, key, index, ...) on bad content
        raise AnnotationError("image_unreadable", path=path, reason=one_line(error)) from error


def _facts(path: Path, image: Image.Image, size: tuple[int, int]) -> ImageFacts:
    """The image's facts, its pixels checked where they have more than 8 bits."""
    is_whole = image.mode.startswith("I")
    if not is_whole and image.mode != "F":
        return ImageFacts(size)
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())  # NaN where there is one
    if not (low >= 0 and high <= _WHITE_LEVELS[-1]):
        raise AnnotationError("image_levels", path=path, low=low, high=high, limit=_WHITE_LEVELS[-1])
    if image.format == "PPM":
        high = _WHITE_LEVELS[-1]  # its header names the white level, and Pillow has scaled it
    return ImageFacts(size, whole=high) if is_whole else ImageFacts(size, real=high)


def _is_deep_colour(image: Image.Image) -> bool:
    """Whether a file just opened has 16 bits per colour, of which Pillow keeps the upper eight."""
    return not image.mode.startswith("I") and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def image_stem(name: str) -> str:
    """A name of an image without the suffix of its format; other dots are part of the name: eye.0001 stays."""
    path = PurePosixPath(name)
    return name[: -len(path.suffix)] if path.suffix.lower() in IMAGE_SUFFIXES else name


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

    def holds(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which of the points (..., 2) of the image lie on one of its pixels; a padded input has others beside them."""
        H, W = round(self.inner[0] / self.scale[1]), round(self.inner[1] / self.scale[0])
        x, y = points[..., 0], points[..., 1]
        inside: NDArray[np.bool_] = (x >= -0.5) & (x <= W - 0.5) & (y >= -0.5) & (y <= H - 0.5)
        return inside

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
