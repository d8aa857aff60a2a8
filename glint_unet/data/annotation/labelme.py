"""LabelMe: one JSON file per image, which lies beside it, at `imagePath`, or inside it as `imageData`.

LabelMe's coordinates are taken as pixels with (0, 0) at the centre of the top-left pixel: on the real recording of this
project the annotated centres lie within 0.03 px of the glints' intensity centroids in that frame, and half a pixel off
in the other.
"""

import base64
import binascii
import functools
import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from glint_unet.data.annotation.image_annotation import (
    AnnotationFile,
    FormatError,
    ImageAnnotation,
    LabelledPoint,
    images_named,
    number,
    printable,
    side_of,
)
from glint_unet.errors import AnnotationError, one_line
from glint_unet.files import write_bytes


def read_labelme(file: AnnotationFile) -> list[ImageAnnotation]:
    """The one image of a LabelMe JSON file; its stem is the file's path below `file.images`, without suffix.

    Raises:
        AnnotationError: no list of labelled shapes, an LED's label on a shape other than a circle or a point, or a
            missing image.
        TypeError, ValueError, ...: other faults of the file; see `readers.read_annotations`.
    """
    content = file.json()
    if not isinstance(content, dict) or not isinstance(content.get("shapes"), list):
        raise AnnotationError("annotation_not_labelme", path=file.path)
    points = tuple(_point(shape, file) for shape in content["shapes"])
    image = _image_file(content.get("imagePath"), file.path)
    embedded = None
    if image is None:
        if not isinstance(content.get("imageData"), str):
            raise AnnotationError("annotation_no_image", path=file.path, named=content.get("imagePath"))
        image, embedded = file.path, functools.partial(_embedded_image, file)
    is_below = file.path.is_relative_to(file.images)
    stem = (file.path.relative_to(file.images) if is_below else Path(file.path.name)).with_suffix("").as_posix()
    size = side_of(content.get("imageHeight")), side_of(content.get("imageWidth"))
    return [ImageAnnotation(printable(stem), str(file.path), image, points, (), size, embedded)]


def _point(shape: Any, file: AnnotationFile) -> LabelledPoint:
    """The centre of a shape; that of a shape which is no LED's is not needed and may be of any kind."""
    label = shape.get("label") if isinstance(shape, dict) else None
    if not isinstance(label, str):
        raise AnnotationError("annotation_not_labelme", path=file.path)
    if not file.is_led(label):
        return LabelledPoint(label)
    try:
        kind, points = shape.get("shape_type"), [(number(x), number(y)) for x, y in shape["points"]]
        if (kind, len(points)) not in (("circle", 2), ("point", 1)):
            raise AnnotationError("annotation_shape", path=file.path, label=label, kind=kind, num=len(points))
        return LabelledPoint.at(label, *points[0], math.dist(points[0], points[-1]))
    except (FormatError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise AnnotationError("annotation_points", path=file.path, label=label) from error


def _image_file(named: Any, path: Path) -> Path | None:
    """The file at `imagePath`, else the image beside the JSON file that has its name, else None."""
    if isinstance(named, str) and named:
        for candidate in (path.parent / named, path.parent / named.replace("\\", "/")):
            if os.path.isfile(candidate):  # noqa: PTH113 - false for names that the system refuses
                return candidate
    return next(iter(images_named(path.with_suffix(""))), None)


def _embedded_image(file: AnnotationFile) -> bytes:
    try:
        return base64.b64decode(file.json()["imageData"], validate=True)
    except (binascii.Error, ValueError, KeyError, TypeError) as error:
        raise AnnotationError("image_unreadable", path=file.path, reason=one_line(error)) from error


def find_labelme(directory: Path, *, recursive: bool) -> list[Path]:
    """The JSON files of a directory, sorted by name.

    Raises:
        AnnotationError: no such directory, or no JSON file in it.
    """
    if not directory.is_dir():
        raise AnnotationError("annotation_no_directory", path=directory)
    found = sorted(directory.rglob("*.json") if recursive else directory.glob("*.json"))
    if not found:
        raise AnnotationError("annotation_none", path=directory)
    return found


def write_labelme(
    path: Path, image_path: str, size: tuple[int, int], points: Iterable[LabelledPoint], others: Iterable[Any] = ()
) -> None:
    """Writes the annotation of one image, atomically.

    Args:
        path: the JSON file to create or replace.
        image_path: path of the image, from the folder of the JSON file.
        size: (H, W) of the image.
        points: the glints; one with a radius becomes a circle.
        others: further shapes, as LabelMe wrote them.

    Raises:
        SpaceError, RunDirectoryError: the file cannot be written.
    """
    content: dict[str, Any] = {
        "version": "5.5.0",
        "flags": {},
        "shapes": [*map(_shape, points), *others],
        "imagePath": image_path,
        "imageData": None,
        "imageHeight": size[0],
        "imageWidth": size[1],
    }
    text = json.dumps(content, ensure_ascii=False, indent=2)
    write_bytes(path, text.encode(errors="backslashreplace"), survive_power_cut=False)


def _shape(point: LabelledPoint) -> dict[str, Any]:
    x, y, radius = (round(float(value), 3) for value in (point.x, point.y, point.radius))
    places = [[x, y], [x + radius, y]] if radius else [[x, y]]
    kind = "circle" if radius else "point"
    return {"label": point.label, "points": places, "group_id": None, "shape_type": kind, "flags": {}}
