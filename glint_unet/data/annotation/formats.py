"""Annotations of other tools: COCO keypoints, CVAT XML, DeepLabCut CSV, and plain CSV.

Each is one file about many images. What they have in common is read here as `ImageNote`: an image's path and its
glints. A name such as g3 is LED 3; where none of the names has the prefix and there are as many as LEDs, their order
counts.
"""

import csv
import json
import math
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glint_unet.data.images import IMAGE_SUFFIXES
from glint_unet.errors import AnnotationError, one_line

FORMATS = ("coco", "cvat", "dlc", "csv")

_LARGEST_BYTES = 256 * 2**20
_OF_A_BAD_FILE = (KeyError, TypeError, ValueError, AttributeError, IndexError, OverflowError, RecursionError)


@dataclass(frozen=True)
class ImageNote:
    """One annotated image.

    Attributes:
        path: of the image.
        stem: name that tells where it comes from.
        points: (LED number minus one, x, y) of each present glint, in the tool's pixels.
    """

    path: Path
    stem: str
    points: tuple[tuple[int, float, float], ...]


def guess_format(path: Path) -> str:
    """coco for .json, cvat for .xml, dlc or csv by the first row of a .csv.

    Raises:
        AnnotationError: another ending, or the file cannot be read.
    """
    endings = {".json": "coco", ".xml": "cvat", ".csv": "csv"}
    if path.suffix.lower() not in endings:
        raise AnnotationError("annotation_format", path=path, known=", ".join(FORMATS))
    kind = endings[path.suffix.lower()]
    return "dlc" if kind == "csv" and _text(path).lstrip().startswith("scorer") else kind


def read_notes(path: Path, kind: str, images: Path, num_classes: int, prefix: str) -> list[ImageNote]:
    """What a file says about its images.

    Args:
        path: the annotation file.
        kind: one of `FORMATS`.
        images: directory that image names are looked for in.
        num_classes: C, the highest LED number.
        prefix: label prefix.

    Raises:
        AnnotationError: naming the file and what is wrong with it.
    """
    readers = {"coco": _read_coco, "cvat": _read_cvat, "dlc": _read_dlc, "csv": _read_csv}
    text = _text(path)
    try:
        found = readers[kind](text, prefix, num_classes, path)
        stems = {name: _stem(name) for name in sorted(found)}
    except AnnotationError:
        raise
    except (*_OF_A_BAD_FILE, csv.Error, ET.ParseError) as error:
        reason = f"{type(error).__name__}: {error}"
        raise AnnotationError("annotation_not_readable", path=path, kind=kind, reason=reason[:200]) from error
    notes = []
    for name, stem in stems.items():
        points = found[name]
        if len({led for led, _, _ in points}) < len(points):
            raise AnnotationError("annotation_led_twice", path=path, name=name)
        notes.append(ImageNote(_image(images, name), stem, tuple(points)))
    if not notes:
        raise AnnotationError("annotation_empty", path=path)
    return notes


Points = dict[str, list[tuple[int, float, float]]]


def _read_coco(text: str, prefix: str, num_classes: int, path: Path) -> Points:
    content = json.loads(text)
    names = {image["id"]: str(image["file_name"]) for image in content["images"]}
    if len(names) < len(content["images"]):
        raise ValueError("two images have the same id")
    leds = {
        category["id"]: _numbers(category.get("keypoints") or (), prefix, num_classes, path)
        for category in content["categories"]
    }
    found: Points = {name: [] for name in names.values()}
    for note in content["annotations"]:
        values = note.get("keypoints") or ()
        numbers = leds[note["category_id"]]
        if len(values) != 3 * len(numbers):
            raise ValueError(f"{len(values)} values for {len(numbers)} keypoints")
        for led, x, y, visibility in zip(numbers, values[::3], values[1::3], values[2::3], strict=True):
            if led is not None and int(visibility) == 2:  # 1: labelled but hidden, which for a glint is absent
                found[names[note["image_id"]]].append((led, *_point(x, y)))
    return found


def _read_cvat(text: str, prefix: str, num_classes: int, path: Path) -> Points:
    if "<!ENTITY" in text or "<!DOCTYPE" in text:
        raise ValueError("the file declares entities")
    found: Points = {}
    for image in ET.fromstring(text).iter("image"):
        points = found.setdefault(image.attrib["name"], [])
        for shape in image.iter("points"):
            (led,) = _numbers([shape.attrib["label"]], prefix, num_classes, path, by_order=False)
            if led is None or "1" in (shape.attrib.get("occluded"), shape.attrib.get("outside")):
                continue
            pairs = shape.attrib["points"].split(";")
            if len(pairs) != 1:
                raise ValueError(f"{shape.attrib['label']} of {image.attrib['name']} has {len(pairs)} points")
            points.append((led, *_point(*pairs[0].split(","))))
    return found


def _read_dlc(text: str, prefix: str, num_classes: int, path: Path) -> Points:
    rows = list(csv.reader(text.splitlines()))
    head = {row[0]: row for row in rows[:4]}
    parts, coordinates = head["bodyparts"], head["coords"]
    first = coordinates.index("x")  # one index column, or three
    names = list(dict.fromkeys(parts[first:]))
    numbers = dict(zip(names, _numbers(names, prefix, num_classes, path), strict=True))
    found: Points = {}
    for row in rows[1 + next(k for k, row in enumerate(rows) if row[0] == "coords") :]:
        if not row:
            continue
        values: dict[str, dict[str, str]] = {}
        for part, coordinate, value in zip(parts[first:], coordinates[first:], row[first:], strict=True):
            of_part = values.setdefault(part, {})
            if coordinate in of_part:
                raise ValueError(f"{part} has {coordinate} twice: files of several individuals are not supported")
            of_part[coordinate] = value.strip()
        points = found.setdefault("/".join(column for column in row[:first] if column), [])
        for part, of_part in values.items():
            led, x, y = numbers[part], of_part["x"], of_part["y"]
            if led is not None and _are_given(x, y, part):
                points.append((led, *_point(x, y)))
    return found


def _read_csv(text: str, prefix: str, num_classes: int, path: Path) -> Points:
    reader = csv.DictReader(text.splitlines())
    if missing := {"stem", "led", "x", "y"} - set(reader.fieldnames or ()):
        raise ValueError(f"no column {', '.join(sorted(missing))}")
    found: Points = {}
    others: set[str] = set()
    for row in reader:
        points = found.setdefault(str(row["stem"] or "").strip(), [])
        label, x, y = (str(row[name] or "").strip() for name in ("led", "x", "y"))
        if None in row:
            raise ValueError(f"line {reader.line_num} has more values than the first line has columns")
        if _are_given(x, y, f"line {reader.line_num}"):  # a row without them names an image without this glint
            if not label:
                raise ValueError(f"line {reader.line_num} has a point but no led")
            (led,) = _numbers([_led_label(label, prefix)], prefix, num_classes, path, by_order=False)
            if led is None:
                others.add(label)
            else:
                points.append((led, *_point(x, y)))
    if others and not any(found.values()):
        raise ValueError(f"no LED among the values of led: {', '.join(sorted(others)[:5])}")
    return found


def _are_given(x: str, y: str, place: str) -> bool:
    """Whether a point has coordinates; one of them alone is a mistake."""
    missing = [value.lower() in ("", "nan") for value in (x, y)]
    if any(missing) and not all(missing):
        raise ValueError(f"{place} has one coordinate without the other")
    return not any(missing)


def _led_label(label: str, prefix: str) -> str:
    """The label of an LED given by its number, `3` or `3.0` as pandas writes it; any other label as it is."""
    try:
        number = float(label)
    except ValueError:
        return label
    if not (number.is_integer() and number >= 0):
        raise ValueError(f"led {label} is not the number of an LED")
    return f"{prefix}{int(number)}"


def _numbers(
    names: Iterable[str], prefix: str, num_classes: int, path: Path, *, by_order: bool = True
) -> list[int | None]:
    """Channel of each name; None for names that are no LED's."""
    names = [str(name) for name in names]
    matches = [re.fullmatch(re.escape(prefix) + r"([0-9]{1,6})", name) for name in names]
    if by_order and not any(matches) and len(names) == num_classes:
        return list(range(num_classes))
    for name, match in zip(names, matches, strict=True):
        if match and not 1 <= int(match[1]) <= num_classes:
            raise AnnotationError("annotation_led", path=path, label=name, prefix=prefix, num_classes=num_classes)
    return [int(match[1]) - 1 if match else None for match in matches]


def _point(x: Any, y: Any) -> tuple[float, float]:
    point = float(x), float(y)
    if not all(math.isfinite(value) for value in point):
        raise ValueError(f"the point {point} is not finite")
    return point


def _stem(name: str) -> str:
    """An image's name without the ending of an image file: eye.0001 and eye.0002 are two."""
    path = Path(name)
    if not path.name:
        raise ValueError("an image has no name")
    return (path.with_suffix("") if path.suffix.lower() in IMAGE_SUFFIXES else path).as_posix()


def _image(images: Path, name: str) -> Path:
    """The image of this name; without a suffix, the first kind of image that is there; else by its last part."""
    plain = name.replace("\\", "/")
    for candidate in (images / plain, images / Path(plain).name):
        if candidate.suffix.lower() in IMAGE_SUFFIXES:
            if candidate.is_file():
                return candidate
            continue
        for suffix in IMAGE_SUFFIXES:
            with_suffix = candidate.with_name(candidate.name + suffix)
            if with_suffix.is_file():
                return with_suffix
    return images / plain


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise AnnotationError("annotation_too_large", path=path, limit_mb=_LARGEST_BYTES // 2**20)
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise AnnotationError("annotation_not_readable", path=path, kind=path.suffix, reason=one_line(error)) from error
