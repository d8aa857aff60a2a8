"""Reads image files and converts arrays to 8-bit greyscale, and resizes and pads them."""

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

from glint_unet.errors import AnnotationError, SettingError, one_line

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp", ".pgm")

_WHITE_LEVELS = (255.0, 1023.0, 4095.0, 16383.0, 65535.0)  # of cameras with 8, 10, 12, 14 and 16 bits
_ROUNDING = 2.0  # a float image below this is a 0..1 image; interpolation may overshoot 1
_NUM_CHANNELS = (1, 3, 4)
_PAGED_FORMATS = ("TIFF", "PNG", "WEBP")  # not MPO: its further pictures are previews
_LARGEST_DEEP_COLOUR = 64  # of 255; a darker 16-bit colour image may have 14 or fewer significant bits


class ImageFacts(NamedTuple):
    """What must be known about all images of a set before the first one is converted.

    Attributes:
        size: (H, W) in upright orientation.
        whole: highest grey level of a 16-bit integer image; None for others.
        real: highest grey level of a float image; None for others.
    """

    size: tuple[int, int]
    whole: float | None = None
    real: float | None = None


@dataclass(frozen=True)
class WhiteLevel:
    """The grey level that is mapped to 255, for images with more than 8 bits.

    A file does not state how many of its 16 bits the camera used, so the white level is the smallest of 255, 1023,
    4095, 16383 and 65535 (8 to 16 bits), and for floats also 1, that is not below the highest level found. It is common
    to all images of a set, so that they stay comparable.

    Attributes:
        whole: white level of integer images; None if there are none.
        real: white level of float images; None if there are none.
    """

    whole: float | None = None
    real: float | None = None

    @classmethod
    def of(cls, facts: Iterable[ImageFacts]) -> "WhiteLevel":
        """The white level of a set of images."""
        known = list(facts)
        whole = max((one.whole for one in known if one.whole is not None), default=None)
        real = max((one.real for one in known if one.real is not None), default=None)
        return cls(
            None if whole is None else _white_level(whole),
            None if real is None else 1.0 if real < _ROUNDING else _white_level(real),
        )

    def __str__(self) -> str:
        """The levels in use, for messages."""
        return ", ".join(f"{level:g}" for level in (self.whole, self.real) if level is not None)


def _white_level(highest: float) -> float:
    return next((level for level in _WHITE_LEVELS if level >= highest), _WHITE_LEVELS[-1])


def inspect_image(path: Path, content: bytes | None = None) -> ImageFacts:
    """Size and highest grey level of an image file; pixels are decoded only if they have more than 8 bits.

    Args:
        path: the file; also used in messages.
        content: the content, if it is not to be read from the file.

    Raises:
        AnnotationError: see `read_image`.
    """
    with _opened(path, content) as image:
        H, W = image.height, image.width
        size = (W, H) if image.getexif().get(0x0112) in (5, 6, 7, 8) else (H, W)
        return _facts(path, image, size)


def read_image(path: Path, content: bytes | None = None, white: WhiteLevel | None = None) -> NDArray[np.uint8]:
    """Reads an image file as (H, W) uint8 in upright orientation; colour becomes luminance, alpha is ignored.

    Args:
        path: the file; also used in messages.
        content: the content, if it is not to be read from the file.
        white: the level mapped to 255 in images with more than 8 bits; None: determined from this image alone.

    Raises:
        AnnotationError: not an image, truncated, too large, multi-page, or with grey levels that are not finite,
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
    """Opens an image; any error that Pillow raises about its content becomes an AnnotationError."""
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
    except Exception as error:  # on bad content, Pillow's decoders raise many types of errors (struct, key, index, ...)
        raise AnnotationError("image_unreadable", path=path, reason=one_line(error)) from error


def _facts(path: Path, image: Image.Image, size: tuple[int, int]) -> ImageFacts:
    """The facts of an image; pixel values are checked if they have more than 8 bits."""
    is_whole = image.mode.startswith("I")
    if not is_whole and image.mode != "F":
        return ImageFacts(size)
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())  # NaN if any pixel is NaN
    if not (low >= 0 and high <= _WHITE_LEVELS[-1]):
        raise AnnotationError("image_levels", path=path, low=low, high=high, limit=_WHITE_LEVELS[-1])
    if image.format == "PPM":
        high = _WHITE_LEVELS[-1]  # its header states the white level, and Pillow has already scaled to it
    return ImageFacts(size, whole=high) if is_whole else ImageFacts(size, real=high)


def _is_deep_colour(image: Image.Image) -> bool:
    """Whether a newly opened image has 16 bits per colour channel, of which Pillow keeps the upper eight."""
    return not image.mode.startswith("I") and any(";16" in str(tile[3]) for tile in getattr(image, "tile", ()))


def image_stem(name: str) -> str:
    """The name of an image without its format suffix; other dots are part of the name, as in eye.0001."""
    path = PurePosixPath(name)
    return name[: -len(path.suffix)] if path.suffix.lower() in IMAGE_SUFFIXES else name


def resize_image(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """Resizes an (H, W) uint8 image to `size` = (H', W'): bilinear, with antialiasing when shrinking.

    `glint_unet.data.heatmaps.scale_points` transforms points accordingly.
    """
    if image.shape == size:
        return image
    return np.asarray(Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR))


def lies_inside(points: Any, size: tuple[int, int]) -> Any:
    """Which points (..., 2), (x, y) in an array or tensor, lie on a pixel of an image of `size` (H, W): (...) bool."""
    x, y, (H, W) = points[..., 0], points[..., 1], size
    return (x >= -0.5) & (x <= W - 0.5) & (y >= -0.5) & (y <= H - 0.5)


@dataclass(frozen=True)
class Placement:
    """The placement of an image in the network input: scaled, then shifted; the rest is padding.

    Attributes:
        size: (H', W') of the whole input.
        inner: (h, w) of the scaled image.
        corner: (x, y) of its top-left pixel.
        scale: (x, y), scaled pixels per image pixel.
    """

    size: tuple[int, int]
    inner: tuple[int, int]
    corner: tuple[int, int]
    scale: tuple[float, float]

    @classmethod
    def of(cls, image_size: tuple[int, int], size: tuple[int, int], *, stretch: bool = False) -> "Placement":
        """Centres an image of `image_size` (H, W) in an input of `size`, preserving its aspect unless `stretch`."""
        (old_H, old_W), (H, W) = image_size, size
        if stretch:
            return cls(size, size, (0, 0), (W / old_W, H / old_H))
        scale = min(H / old_H, W / old_W)
        inner = max(1, min(H, round(old_H * scale))), max(1, min(W, round(old_W * scale)))
        corner = (W - inner[1]) // 2, (H - inner[0]) // 2
        return cls(size, inner, corner, (inner[1] / old_W, inner[0] / old_H))

    @property
    def mean_scale(self) -> float:
        """Scaled pixels per image pixel: the geometric mean of both axes."""
        return math.sqrt(self.scale[0] * self.scale[1])

    def back(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Transforms points (..., 2) from the input to the image; in both, (0, 0) is the centre of the first pixel."""
        inner = points.astype(np.float64) - np.array(self.corner)
        moved: NDArray[np.float32] = ((inner + 0.5) / np.array(self.scale) - 0.5).astype(np.float32)
        return moved

    def holds(self, points: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Whether points (..., 2) in the frame of the image are inside it, (...) bool; padding lies outside."""
        H, W = round(self.inner[0] / self.scale[1]), round(self.inner[1] / self.scale[0])
        inside: NDArray[np.bool_] = lies_inside(points, (H, W))
        return inside

    def forth(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Transforms points (..., 2) from the image to the input: the inverse of `back`."""
        scaled = (np.asarray(points, np.float64) + 0.5) * np.array(self.scale) - 0.5
        moved: NDArray[np.float32] = (scaled + np.array(self.corner)).astype(np.float32)
        return moved


def part_of_image(image: NDArray[np.uint8], left: int, top: int, width: int, height: int) -> NDArray[np.uint8]:
    """The part (height, width) of an image (H, W) from pixel (left, top) on; beyond its borders, they repeat."""
    if left >= 0 <= top and left + width <= image.shape[1] and top + height <= image.shape[0]:
        return image[top : top + height, left : left + width]
    rows = np.arange(top, top + height).clip(0, image.shape[0] - 1)
    columns = np.arange(left, left + width).clip(0, image.shape[1] - 1)
    part: NDArray[np.uint8] = image[np.ix_(rows, columns)]
    return part


def place_image(image: NDArray[np.uint8], placement: Placement) -> NDArray[np.uint8]:
    """Scales and pads an (H, W) uint8 image according to a placement; the padding replicates its border."""
    resized = resize_image(image, placement.inner)
    (H, W), (h, w), (x, y) = placement.size, placement.inner, placement.corner
    return resized if (h, w) == (H, W) else np.pad(resized, ((y, H - h - y), (x, W - w - x)), mode="edge")


def as_grey(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Converts images to (B, H, W) uint8; see `GlintDetector` for accepted shapes and dtypes.

    Raises:
        SettingError: unsupported shape, dtype or range.
    """
    given = np.asarray(images)
    array = _with_channels(given)
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype in (np.float16, np.float32, np.float64):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise SettingError("images_range", low=float(array.min()), high=float(array.max()))
        array = (array * 255 + 0.5).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise SettingError("images_form", shape=given.shape, dtype=given.dtype)
    if array.shape[-1] == 1:
        return array[..., 0]
    red, green, blue = (array[..., k].astype(np.uint32) for k in range(3))
    # luminance according to ITU-R BT.601, computed as in Pillow
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)


def _with_channels(array: NDArray[Any]) -> NDArray[Any]:
    """Converts images of any accepted shape to (B, H, W, K)."""
    has_channels = array.ndim > 2 and array.shape[-1] in _NUM_CHANNELS
    num_axes = array.ndim - has_channels
    is_ambiguous = array.ndim == 3 and has_channels and array.shape[1] in _NUM_CHANNELS  # one image or a batch?
    is_of_two = array.ndim == 3 and array.shape[-1] == 2
    if num_axes not in (2, 3) or 0 in array.shape or is_ambiguous or is_of_two:
        raise SettingError("images_form", shape=array.shape, dtype=array.dtype)
    with_channels = array if has_channels else array[..., None]
    return with_channels if num_axes == 3 else with_channels[None]
