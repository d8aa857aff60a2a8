"""Annotation files that are known to be right, and such files damaged at random."""

import json
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
from fuzzing.world import NUM_LEDS, ODD, STEMS, World, WrongError, run_command

Truth = dict[str, dict[int, tuple[float, float]]]


def coco(truth: Truth) -> str:
    images = [{"id": k, "file_name": f"{stem}.png", "width": 32, "height": 32} for k, stem in enumerate(truth)]
    notes = []
    for k, glints in enumerate(truth.values()):
        values: list[float] = []
        for led in range(NUM_LEDS):
            values += [*glints[led], 2] if led in glints else [0, 0, 0]
        notes.append({"id": k, "image_id": k, "category_id": 1, "keypoints": values})
    category = {"id": 1, "name": "eye", "keypoints": [f"g{led + 1}" for led in range(NUM_LEDS)]}
    return json.dumps({"images": images, "annotations": notes, "categories": [category]})


def cvat(truth: Truth) -> str:
    lines = ["<annotations>"]
    for k, (stem, glints) in enumerate(truth.items()):
        lines.append(f'<image id="{k}" name="{stem}.png" width="32" height="32">')
        lines += [f'<points label="g{led + 1}" occluded="0" points="{x},{y}"/>' for led, (x, y) in glints.items()]
        lines += [
            f'<points label="g{led + 1}" outside="1" points="1,1"/>' for led in range(NUM_LEDS) if led not in glints
        ]
        lines.append("</image>")
    return "\n".join([*lines, "</annotations>"])


def dlc(truth: Truth) -> str:
    names = [f"g{led + 1}" for led in range(NUM_LEDS)]
    rows = [
        ["scorer", *["me"] * 6],
        ["bodyparts", *(n for n in names for _ in "xy")],
        ["coords", *["x", "y"] * NUM_LEDS],
    ]
    for stem, glints in truth.items():
        values = [str(v) if led in glints else "" for led in range(NUM_LEDS) for v in glints.get(led, (0, 0))]
        rows.append([f"labeled-data/video/{stem}.png", *values])
    return "\n".join(",".join(row) for row in rows)


def plain(truth: Truth, led_form: str = "{}") -> str:
    points = [(stem, led, *glint) for stem, glints in truth.items() for led, glint in glints.items()]
    lines = [f"{stem},{led_form.format(led + 1)},{x},{y}" for stem, led, x, y in points]
    return "\n".join(["stem,led,x,y", *lines])


def labelme(stem: str, glints: dict[int, tuple[float, float]]) -> str:
    shapes = [{"label": f"g{led + 1}", "shape_type": "point", "points": [list(point)]} for led, point in glints.items()]
    shapes.append({"label": "pupil", "shape_type": "circle", "points": [[16, 16], [20, 16]]})
    return json.dumps({"shapes": shapes, "imagePath": f"../images/{stem}.png", "imageHeight": 32, "imageWidth": 32})


def mutated(world: World, content: str) -> str:
    """The text with one to three spans deleted, doubled, replaced."""
    for _ in range(world.rng.randint(1, 3)):
        start = world.rng.randrange(len(content) + 1)
        end = min(len(content), start + world.choose(1, 1, 2, 5, 40))
        odd = world.choose(
            "", content[start:end] * 2, *ODD, "1e999", "null", "{", '"', "<", "&x;", "\x00", "\udcff", "NaN", "[]"
        )
        content = content[:start] + odd + content[end:]
    return content


def an_annotation(world: World) -> str:
    def place() -> float:
        return round(world.rng.uniform(0.5, 30), 2)

    truth: Truth = {
        stem: {led: (place(), place()) for led in range(NUM_LEDS) if world.rng.random() < 0.7} for stem in STEMS
    }
    kind, is_mutated = world.choose("coco", "cvat", "dlc", "csv", "labelme"), world.rng.random() < 0.7
    change: Callable[[str], str] = (lambda content: mutated(world, content)) if is_mutated else str
    words = ["pack", "--out_h5", "packed.h5", "--overwrite"]
    words += world.choose([], ["--num_classes", str(NUM_LEDS)])  # inferred where it is not given
    words += world.choose([], ["--img_h", "32", "--img_w", "32"], ["--img_h", "24", "--img_w", "48"], ["--stretch"])
    if kind == "labelme":
        for stem, glints in truth.items():
            write(world.root / "labelme" / f"{stem}.json", change(labelme(stem, glints)))
        words += ["--in_dir", "labelme"]
    else:
        form = world.choose("{}", "g{}", "{}.0")
        content = plain(truth, form) if kind == "csv" else {"coco": coco, "cvat": cvat, "dlc": dlc}[kind](truth)
        name = {"coco": "notes.json", "cvat": "notes.xml"}.get(kind, "notes.csv")
        write(world.root / name, change(content))
        words += ["--in_dir", "images", "--annotations", name, "--format", kind]
    status, err = run_command(words, "utf-8")
    if status not in (0, 1, 2) or (status == 2) != (err.count("\n") == 1) or "Traceback" in err:
        raise WrongError(f"{kind}: status {status}, {err[:200]!r}")
    if not is_mutated:
        with h5py.File(world.root / "packed.h5") as file:
            num = int(np.isfinite(np.asarray(file["keypoints"])).all(axis=-1).sum())
        expected = sum(map(len, truth.values()))
        if status != 0 or (num != expected):
            raise WrongError(f"{kind}: status {status}, {num} glints packed of {expected}: {truth}")
    return f"annotation {kind}"


def write(path: Path, content: str) -> None:
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
