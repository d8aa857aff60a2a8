"""Annotations -> keypoints -> a data set.

A circle or a point labelled g3 is the glint of LED 3: channel 2. LabelMe coordinates are taken as pixels with (0, 0) at
the centre of the top-left pixel: on the real recording of this project the annotated centres lie within 0.03 px of the
glints' intensity centroids in that frame, and half a pixel off in the other.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data.annotation.formats import ImageNote
from glint_unet.data.dataset_file import DEFAULT_STRIDE
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.heatmaps import render_heatmaps, scale_points
from glint_unet.data.images import IMAGE_SUFFIXES, read_image, resize_image
from glint_unet.errors import AnnotationError, SettingError

_LARGEST_JSON_BYTES = 256 * 2**20


@dataclass(frozen=True)
class Glint:
    """One annotated glint.

    Attributes:
        channel: LED number minus one.
        x, y: centre in pixels of the annotated image, (0, 0) the centre of the top-left pixel.
        radius: of the circle, in pixels; 0 for a point.
    """

    channel: int
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class AnnotatedImage:
    """One image and its glints.

    Attributes:
        stem: name that tells where it comes from.
        image: (H, W) uint8.
        glints: at most one per channel.
    """

    stem: str
    image: NDArray[np.uint8]
    glints: tuple[Glint, ...]


@dataclass(frozen=True)
class PackSettings:
    """Sizes and rules of a pack.

    Attributes:
        num_classes: C, the number of LEDs.
        image_size: (H, W) of the data set's images.
        heatmap_size: (h, w) of its heatmaps.
        sigma_scale: a circle's sigma is this times its radius, both in heatmap pixels ...
        sigma_min: ... but at least this; also the sigma of a point.
        prefix: label prefix; label {prefix}3 is channel 2.
        compression: 'gzip', 'lzf' or None.
    """

    num_classes: int
    image_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    sigma_scale: float
    sigma_min: float
    prefix: str
    compression: str | None

    @property
    def stride(self) -> int:
        """Image pixels per heatmap pixel."""
        return self.image_size[0] // self.heatmap_size[0] if self.heatmap_size[0] else DEFAULT_STRIDE


def read_labelme(path: Path, root: Path, num_classes: int, prefix: str) -> AnnotatedImage:
    """One LabelMe JSON and its image, which lies beside it, at `imagePath`, or inside it.

    Shapes whose label is not the prefix and a number are ignored.

    Args:
        path: the JSON file.
        root: the stem is the path relative to this directory, without suffix.
        num_classes: the highest LED number allowed.
        prefix: label prefix.

    Raises:
        AnnotationError: naming the file and what is wrong with it.
    """
    content = _read_json(path)
    image = _image_of(content, path)
    H, W = image.shape
    declared = (content.get("imageHeight") or H, content.get("imageWidth") or W)
    if declared != (H, W):
        raise AnnotationError("annotation_other_size", path=path, declared=declared, found=(H, W))
    glints: dict[int, Glint] = {}
    for shape in content["shapes"]:
        glint = _glint(shape, path, num_classes, prefix, (H, W))
        if glint is not None and glint.channel in glints:
            raise AnnotationError("annotation_twice", path=path, label=shape["label"])
        if glint is not None:
            glints[glint.channel] = glint
    stem = path.relative_to(root).with_suffix("").as_posix()
    return AnnotatedImage(stem, image, tuple(glints.values()))


def _read_json(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _LARGEST_JSON_BYTES:
            raise AnnotationError("annotation_too_large", path=path, limit_mb=_LARGEST_JSON_BYTES // 2**20)
        content = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise AnnotationError("annotation_not_json", path=path, reason=error) from error
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise AnnotationError("annotation_not_labelme", path=path)
    return content


def _image_of(content: dict[str, Any], path: Path) -> NDArray[np.uint8]:
    named = content.get("imagePath")
    candidates = [path.parent / named.replace("\\", "/")] if isinstance(named, str) and named else []
    candidates += [path.with_suffix(suffix) for suffix in IMAGE_SUFFIXES]
    for candidate in candidates:
        if candidate.is_file():
            return read_image(candidate)
    if isinstance(content.get("imageData"), str):
        try:
            return read_image(path, base64.b64decode(content["imageData"], validate=True))
        except binascii.Error as error:
            raise AnnotationError("image_unreadable", path=path, reason=error) from error
    raise AnnotationError("annotation_no_image", path=path, named=named)


def _glint(shape: Any, path: Path, num_classes: int, prefix: str, size: tuple[int, int]) -> Glint | None:
    """The glint that a shape annotates; None where its label is not an LED's."""
    label = shape.get("label") if isinstance(shape, dict) else None
    if not isinstance(label, str):
        raise AnnotationError("annotation_not_labelme", path=path)
    match = re.fullmatch(re.escape(prefix) + r"([0-9]{1,6})", label)
    if match is None:
        return None
    number = int(match[1])
    if not 1 <= number <= num_classes:
        raise AnnotationError("annotation_led", path=path, label=label, prefix=prefix, num_classes=num_classes)
    kind, points = shape.get("shape_type"), _points(shape, path, label)
    if (kind, len(points)) not in (("circle", 2), ("point", 1)):
        raise AnnotationError("annotation_shape", path=path, label=label, kind=kind, num=len(points))
    x, y = points[0]
    radius = math.dist(points[0], points[1]) if kind == "circle" else 0.0
    if not (-0.5 <= x <= size[1] - 0.5 and -0.5 <= y <= size[0] - 0.5):
        raise AnnotationError("annotation_outside", path=path, label=label, x=x, y=y, H=size[0], W=size[1])
    return Glint(number - 1, x, y, radius)


def _points(shape: dict[str, Any], path: Path, label: str) -> list[tuple[float, float]]:
    try:
        points = [(float(x), float(y)) for x, y in shape["points"]]
    except (KeyError, TypeError, ValueError) as error:
        raise AnnotationError("annotation_points", path=path, label=label) from error
    if not all(math.isfinite(value) for point in points for value in point):
        raise AnnotationError("annotation_points", path=path, label=label)
    return points


def find_labelme(in_dir: Path, *, recursive: bool) -> list[Path]:
    """The JSON files of a directory, sorted by name.

    Raises:
        AnnotationError: no such directory, or no JSON in it.
    """
    if not in_dir.is_dir():
        raise AnnotationError("annotation_no_directory", path=in_dir)
    found = sorted(in_dir.rglob("*.json") if recursive else in_dir.glob("*.json"))
    if not found:
        raise AnnotationError("annotation_none", path=in_dir)
    return found


def read_note(note: ImageNote, *, corner_pixels: bool) -> AnnotatedImage:
    """An image and its glints, as another tool annotated them.

    Args:
        note: what the tool's file says.
        corner_pixels: the tool's (0, 0) is the corner of the top-left pixel, not its centre.

    Raises:
        AnnotationError: the image is missing or broken, or a point lies outside it.
    """
    if not note.path.is_file():
        raise AnnotationError("annotation_note_no_image", path=note.path)
    image, shift = read_image(note.path), 0.5 * corner_pixels
    H, W = image.shape
    glints = tuple(Glint(channel, x - shift, y - shift, 0.0) for channel, x, y in note.points)
    for glint in glints:
        if not (-0.5 <= glint.x <= W - 0.5 and -0.5 <= glint.y <= H - 0.5):
            label = f"LED {glint.channel + 1}"
            raise AnnotationError("annotation_outside", path=note.path, label=label, x=glint.x, y=glint.y, H=H, W=W)
    return AnnotatedImage(note.stem, image, glints)


def pack(
    readers: Sequence[Callable[[], AnnotatedImage]],
    source: Path,
    out_h5: Path,
    settings: PackSettings,
    bad: Callable[[AnnotationError], None],
    stretched: Callable[[str], None],
) -> int:
    """Writes annotated images as a data set.

    Args:
        readers: each reads one annotated image when it is called.
        source: where they come from, for messages.
        out_h5: the file to write; it appears only when it is whole.
        settings: sizes and rules.
        bad: told of each image that cannot be used; it is left out.
        stretched: told of each image that has another aspect than the data set's.

    Returns:
        The number of images written.

    Raises:
        AnnotationError: not one image could be used; nothing is written.
        SettingError: sigma is not positive.
    """
    if not (settings.sigma_min > 0 and settings.sigma_scale >= 0):
        raise SettingError("sigma_not_positive", sigma_min=settings.sigma_min, sigma_scale=settings.sigma_scale)
    attributes = {"sigma_scale": settings.sigma_scale, "sigma_min": settings.sigma_min, "prefix": settings.prefix}
    writer = DatasetWriter(
        out_h5,
        num_classes=settings.num_classes,
        image_size=settings.image_size,
        heatmap_size=settings.heatmap_size,
        attributes=attributes,
        compression=settings.compression,
    )
    with writer:
        for read in readers:
            try:
                annotated = read()
            except AnnotationError as error:
                bad(error)
                continue
            (H, W), (old_H, old_W) = settings.image_size, annotated.image.shape
            if abs(H * old_W - W * old_H) > max(old_H, old_W):  # more than a pixel's rounding
                stretched(annotated.stem)
                writer.set_attribute("stretched", "yes")
            _append(writer, annotated, settings)
        if writer.num_rows == 0:
            raise AnnotationError("annotation_all_bad", path=source, num=len(readers))
    return writer.num_rows


def _append(writer: DatasetWriter, annotated: AnnotatedImage, settings: PackSettings) -> None:
    (H, W), (old_H, old_W) = settings.image_size, annotated.image.shape
    scale_x, scale_y = W / old_W, H / old_H
    keypoints = torch.full((1, settings.num_classes, 2), torch.nan)
    sigma = torch.full((1, settings.num_classes), settings.sigma_min)
    for glint in annotated.glints:
        keypoints[0, glint.channel] = scale_points(torch.tensor([glint.x, glint.y]), scale_x, scale_y)
        radius_px = glint.radius * math.sqrt(scale_x * scale_y) / settings.stride
        sigma[0, glint.channel] = max(settings.sigma_min, settings.sigma_scale * radius_px)
    heatmaps = render_heatmaps(keypoints, settings.heatmap_size, settings.stride, sigma)
    image = resize_image(annotated.image, settings.image_size)
    writer.append(image[None], heatmaps.numpy().astype(np.float16), keypoints.numpy(), [annotated.stem])
