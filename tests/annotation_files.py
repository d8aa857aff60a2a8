"""Annotation files as each tool writes them, all of the same glints, and how tests read them."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from glint_unet.data.annotation.image_annotation import AnnotationFile, ImageAnnotation
from glint_unet.data.annotation.labels import LedLabels
from glint_unet.data.annotation.readers import read_annotations

SIZE = (48, 64)
TRUTH: dict[str, dict[int, tuple[float, float]]] = {
    "a": {0: (10.5, 20.25), 2: (40.0, 30.0)},
    "b": {},
    "c": {1: (5.0, 6.0)},
}


def coco(names: Sequence[str] = ("g1", "g2", "g3")) -> tuple[str, str]:
    images = [{"id": k, "file_name": f"{name}.png", "width": 64, "height": 48} for k, name in enumerate(TRUTH)]
    notes = []
    for k, glints in enumerate(TRUTH.values()):
        values: list[float] = []
        for led in range(3):
            values += [*glints[led], 2] if led in glints else [0, 0, 0]
        notes.append({"id": k, "image_id": k, "category_id": 1, "keypoints": values, "num_keypoints": len(glints)})
    category = {"id": 1, "name": "eye", "keypoints": list(names)}
    return "notes.json", json.dumps({"images": images, "annotations": notes, "categories": [category]})


def cvat() -> tuple[str, str]:
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations><version>1.1</version>"]
    for k, (name, glints) in enumerate(TRUTH.items()):
        lines.append(f'<image id="{k}" name="{name}.png" width="64" height="48">')
        lines += [
            f'<points label="g{led + 1}" occluded="0" points="{x:.2f},{y:.2f}" z_order="0"></points>'
            for led, (x, y) in glints.items()
        ]
        lines += ['<points label="g2" occluded="1" points="1,1"></points>'] * (name == "b")
        lines += ['<points label="pupil" occluded="0" points="30,30"></points>', "</image>"]
    return "notes.xml", "\n".join([*lines, "</annotations>"])


def dlc(index: str = "one", names: Sequence[str] = ("g1", "g2", "g3")) -> tuple[str, str]:
    blank = [""] * (0 if index == "one" else 2)
    rows = [
        ["scorer", *blank, *["me"] * 6],
        ["bodyparts", *blank, *[name for name in names for _ in "xy"]],
        ["coords", *blank, *["x", "y"] * 3],
    ]
    for name, glints in TRUTH.items():
        values = [str(v) if led in glints else "" for led in range(3) for v in glints.get(led, (0, 0))]
        place = [f"labeled-data/video/{name}.png"] if index == "one" else ["labeled-data", "video", f"{name}.png"]
        rows.append([*place, *values])
    return "CollectedData_me.csv", "\n".join(",".join(row) for row in rows)


def plain() -> tuple[str, str]:
    rows = ["stem,led,x,y", "b,g1,,"]
    rows += [f"{name},{led + 1},{x},{y}" for name, glints in TRUTH.items() for led, (x, y) in glints.items()]
    return "notes.csv", "\n".join(rows)


WRITERS = {"coco": coco, "cvat": cvat, "dlc": dlc, "dlc of three columns": lambda: dlc("three"), "csv": plain}


def circle(label: str, x: float, y: float, radius: float) -> dict[str, Any]:
    return {"label": label, "points": [[x, y], [x + radius, y]], "shape_type": "circle"}


def point(label: str, x: float, y: float) -> dict[str, Any]:
    return {"label": label, "points": [[x, y]], "shape_type": "point"}


def annotate(
    directory: Path, stem: str, shapes: Sequence[Any], *, size: tuple[int, int] = (120, 160), **changes: Any
) -> Path:
    """An image and its LabelMe JSON."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, size, dtype=np.uint8)).save(directory / f"{stem}.png")
    content = {"shapes": shapes, "imagePath": f"{stem}.png", "imageHeight": size[0], "imageWidth": size[1]} | changes
    path = directory / f"{stem}.json"
    path.write_text(json.dumps(content))
    return path


def read(path: Path, kind: str, images: Path, prefix: str = "g") -> list[ImageAnnotation]:
    return read_annotations(AnnotationFile(path, images, prefix), kind)


def glints_of(
    path: Path, kind: str, images: Path, num_classes: int | None = 3, prefix: str = "g"
) -> dict[str, dict[int, tuple[float, float]]]:
    """What a file says: the visible glints of each image, by the last part of its stem and by channel."""
    found = read(path, kind, images, prefix)
    labels = LedLabels.of(found, prefix, num_classes, path)
    glints = {one.stem.rpartition("/")[2]: labels.glints(one, SIZE) for one in found}
    return {stem: {glint.channel: (glint.x, glint.y) for glint in of_image} for stem, of_image in glints.items()}
