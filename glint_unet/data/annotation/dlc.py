"""DeepLabCut: a CSV file with the header lines scorer, bodyparts, coords, and a line per image."""

from glint_unet.data.annotation.csv_table import are_given, csv_rows
from glint_unet.data.annotation.image_annotation import AnnotationFile, FormatError, ImageAnnotation, LabelledPoint

_HEADER = ("scorer", "individuals", "bodyparts", "coords")
_COORDINATES = ("x", "y", "likelihood")


def read_dlc(file: AnnotationFile) -> list[ImageAnnotation]:
    """The images in the file's order, their names in one column or in several; bodyparts are listed in their order.

    Raises:
        AnnotationError, ValueError, KeyError, ...: a fault of the file; see `readers.read_annotations`.
    """
    rows = [row for _, row in csv_rows(file.text())]
    head = {row[0]: row for row in rows[: len(_HEADER)] if row[0] in _HEADER}
    parts, coordinates = head["bodyparts"], head["coords"]
    first = _num_index_columns(parts, coordinates)
    names = tuple(dict.fromkeys(parts[first:]))
    images = []
    for row in rows[len(head) :]:
        if row[0] in _HEADER:
            raise FormatError("annotation_header", name=row[0])
        values: dict[str, dict[str, str]] = {}
        for part, coordinate, value in zip(parts[first:], coordinates[first:], row[first:], strict=True):
            of_part = values.setdefault(part, {})
            if coordinate in of_part:
                raise FormatError("annotation_individuals", label=part, name=coordinate)
            of_part[coordinate] = value.strip()
        points = [_point(part, of_part["x"], of_part["y"]) for part, of_part in values.items()]
        images.append(file.annotation("/".join(column for column in row[:first] if column), points, names=names))
    return images


def _num_index_columns(parts: list[str], coordinates: list[str]) -> int:
    """One, or three of which the header lines leave two blank; every other column holds coordinates."""
    is_blank = [not (part or coordinate) for part, coordinate in zip(parts[1:], coordinates[1:], strict=True)]
    first = 1 + is_blank.index(False)
    for number, (part, coordinate) in enumerate(zip(parts[first:], coordinates[first:], strict=True), start=first + 1):
        if coordinate not in _COORDINATES:
            raise FormatError("annotation_coordinate", number=number, label=part, name=coordinate)
    return first


def _point(part: str, x: str, y: str) -> LabelledPoint:
    half = FormatError("annotation_half_point", label=part)
    return LabelledPoint.at(part, x, y) if are_given(x, y, half) else LabelledPoint(part)
