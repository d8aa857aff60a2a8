"""The annotation formats by name, and the one way to read a file of any of them."""

import csv
import dataclasses
import os
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable
from typing import NamedTuple

from glint_unet.data.annotation.coco import read_coco
from glint_unet.data.annotation.csv_table import read_csv
from glint_unet.data.annotation.cvat import read_cvat
from glint_unet.data.annotation.dlc import read_dlc
from glint_unet.data.annotation.image_annotation import AnnotationFile, FormatError, ImageAnnotation
from glint_unet.data.annotation.labelme import read_labelme
from glint_unet.errors import AnnotationError, one_line

_OF_A_BAD_FILE = (
    KeyError,
    TypeError,
    ValueError,
    AttributeError,
    IndexError,
    OverflowError,
    RecursionError,
    csv.Error,
    ET.ParseError,
)


class Format(NamedTuple):
    """An annotation format.

    Attributes:
        read: from a file to its images; `FormatError` and any error of `_OF_A_BAD_FILE` stand for a fault of the file.
        suffix: that its files have.
        beginning: of its files, where other formats have the same suffix.
    """

    read: Callable[[AnnotationFile], list[ImageAnnotation]]
    suffix: str
    beginning: str = ""


READERS = {
    "coco": Format(read_coco, ".json"),
    "cvat": Format(read_cvat, ".xml"),
    "dlc": Format(read_dlc, ".csv", "scorer"),
    "csv": Format(read_csv, ".csv"),
    "labelme": Format(read_labelme, ".json"),
}


def guess_format(file: AnnotationFile) -> str:
    """The first format that has the file's suffix and beginning.

    Raises:
        AnnotationError: none has, or the file cannot be read.
    """
    for name, one in READERS.items():
        if file.path.suffix.lower() == one.suffix and file.text().lstrip().startswith(one.beginning):
            return name
    raise AnnotationError("annotation_format", path=file.path, known=", ".join(READERS))


def read_annotations(file: AnnotationFile, kind: str) -> list[ImageAnnotation]:
    """The images of an annotation file of the format `kind`, a key of `READERS`.

    Raises:
        AnnotationError: naming the file and what is wrong with it.
    """
    try:
        found = READERS[kind].read(file)
    except FormatError as error:
        raise AnnotationError("annotation_not_readable", path=file.path, kind=kind, reason=error) from error
    except AnnotationError:
        raise
    except _OF_A_BAD_FILE as error:
        reason = f"{type(error).__name__}: {one_line(error)}"
        raise AnnotationError("annotation_not_readable", path=file.path, kind=kind, reason=reason) from error
    if not found:
        raise AnnotationError("annotation_empty", path=file.path)
    check_distinct(found)
    return sorted(found, key=lambda one: one.where.removesuffix(")"))  # by name


def check_distinct(annotations: Iterable[ImageAnnotation]) -> None:
    """Refuses annotations that would give two images one stem, or one image two annotations.

    Raises:
        AnnotationError: naming both.
    """
    of_stem: dict[str, ImageAnnotation] = {}
    of_image: dict[str, ImageAnnotation] = {}
    for one in annotations:
        image = os.path.abspath(one.image)  # noqa: PTH100 - symlinks stay
        other = of_stem.setdefault(one.stem, one)
        if other is not one:
            raise AnnotationError("annotation_stem_twice", first=other.where, second=one.where, stem=one.stem)
        other = of_image.setdefault(image, one)
        if other is not one:
            raise AnnotationError("annotation_image_twice", first=other.where, second=one.where, image=one.image)


def from_corner(annotation: ImageAnnotation) -> ImageAnnotation:
    """An annotation whose tool has (0, 0) at the corner of the top-left pixel, in the frame of its centre."""
    moved = [dataclasses.replace(point, x=point.x - 0.5, y=point.y - 0.5) for point in annotation.points]
    return dataclasses.replace(annotation, points=tuple(moved))
