"""Plain CSV with the columns stem, led, x, y: a row per glint, and one without x and y for an image without this glint.

`led` is the LED's number, or any label.
"""

import csv

from glint_unet.data.annotation.image_annotation import (
    AnnotationFile,
    FormatError,
    ImageAnnotation,
    LabelledPoint,
    number,
)

_COLUMNS = ("stem", "led", "x", "y")


def read_csv(file: AnnotationFile) -> list[ImageAnnotation]:
    """The images in the order in which the file first names them; further columns are ignored.

    Raises:
        AnnotationError, ValueError, ...: a fault of the file; see `readers.read_annotations`.
    """
    rows = csv_rows(file.text())
    _, header = rows[0] if rows else (0, [])
    header = [name.strip() for name in header]
    if wrong := [name for name in _COLUMNS if header.count(name) != 1]:
        raise FormatError("annotation_columns", names=", ".join(wrong))
    places = [header.index(name) for name in _COLUMNS]
    points: dict[str, list[LabelledPoint]] = {}
    for line, row in rows[1:]:
        _check_length(line, row, header)
        stem, label, x, y = (row[place].strip() for place in places)
        of_image = points.setdefault(stem, [])
        if are_given(x, y, FormatError("annotation_half_line", number=line)):
            if not label:
                raise FormatError("annotation_no_led_in_line", number=line)
            of_image.append(LabelledPoint.at(_led_label(label, file.prefix), x, y))
        elif not _is_missing(label):
            of_image.append(LabelledPoint(_led_label(label, file.prefix)))
    return [file.annotation(stem, of_image) for stem, of_image in points.items()]


def _check_length(line: int, row: list[str], header: list[str]) -> None:
    values = {"number": line, "num": len(row), "columns": len(header)}
    if len(row) > len(header):
        raise FormatError("annotation_line_long", **values)
    if len(row) < len(header):
        raise FormatError("annotation_line_short", **values)


def csv_rows(text: str) -> list[tuple[int, list[str]]]:
    """Number, from 1, and values of each line that is not blank; a quoted value ends on its line.

    Raises:
        csv.Error: a quoted value does not end.
    """
    lines = enumerate(text.splitlines(), start=1)
    return [(k, next(csv.reader([line], strict=True))) for k, line in lines if line.strip()]


def are_given(x: str, y: str, half: FormatError) -> bool:
    """Whether a point has coordinates.

    Raises:
        FormatError: `half`, where it has one of them alone.
    """
    if _is_missing(x) != _is_missing(y):
        raise half
    return not _is_missing(x)


def _is_missing(value: str) -> bool:
    return value.lower() in ("", "nan")


def _led_label(label: str, prefix: str) -> str:
    """The label of an LED given by its number, `3` or `3.0` as pandas writes it; any other label as it is."""
    try:
        led = number(label)
    except ValueError:
        return label
    if not (led.is_integer() and led >= 0):
        raise FormatError("annotation_led_number", label=label)
    return f"{prefix}{int(led)}"
