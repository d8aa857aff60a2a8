"""COCO keypoints: a JSON file of images, categories that name their keypoints, and annotations of both."""

from typing import Any

from glint_unet.data.annotation.image_annotation import (
    AnnotationFile,
    FormatError,
    ImageAnnotation,
    LabelledPoint,
    side_of,
)

_ABSENT, _HIDDEN, _VISIBLE = 0, 1, 2  # a hidden glint is no glint


def read_coco(file: AnnotationFile) -> list[ImageAnnotation]:
    """The images in the file's order; the names of a category's keypoints are listed in their order.

    Raises:
        AnnotationError, KeyError, TypeError, ...: a fault of the file; see `readers.read_annotations`.
    """
    content = file.json()
    images, categories = _by_id(content, "images"), _by_id(content, "categories")
    names_of = {key: tuple(map(str, category.get("keypoints") or ())) for key, category in categories.items()}
    if not any(names_of.values()):
        raise FormatError("annotation_no_keypoints")
    points: dict[Any, list[LabelledPoint]] = {key: [] for key in images}
    names: dict[Any, list[str]] = {key: [] for key in images}
    for note in content["annotations"]:
        listed = names_of[note["category_id"]]
        points[note["image_id"]] += _points(listed, note.get("keypoints") or ())
        names[note["image_id"]] += listed
    return [
        file.annotation(
            str(image["file_name"]),
            points[key],
            names=tuple(dict.fromkeys(names[key])),
            declared_size=(side_of(image.get("height")), side_of(image.get("width"))),
        )
        for key, image in images.items()
    ]


def _by_id(content: dict[str, Any], part: str) -> dict[Any, dict[str, Any]]:
    found = {entry["id"]: entry for entry in content[part]}
    if len(found) < len(content[part]):
        raise FormatError("annotation_ids", part=part)
    return found


def _points(names: tuple[str, ...], values: Any) -> list[LabelledPoint]:
    """The keypoints of one annotation: x, y and visibility of each name."""
    if len(values) != 3 * len(names):
        raise FormatError("annotation_values", num=len(values), names=len(names))
    points = []
    for name, x, y, visibility in zip(names, values[::3], values[1::3], values[2::3], strict=True):
        if visibility not in (_ABSENT, _HIDDEN, _VISIBLE):
            raise FormatError("annotation_visibility", label=name, value=visibility)
        points.append(LabelledPoint.at(name, x, y) if visibility == _VISIBLE else LabelledPoint(name))
    return points
