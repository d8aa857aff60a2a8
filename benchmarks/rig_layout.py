"""`glint-unet rig` against known layouts: error of the layout in % of its size, from images without labels.

Three rigs: a ring of six LEDs and two columns of three, each in 60 synthetic eyes of the levels easy, medium and hard,
which are drawn like one person's, and of mixed, where each image is another person with other LEDs off (iris radius
0.22 to 0.26 of the side, layout 0.45 to 0.55 of the iris radius); and the 50 frames of ../shared/real/eight_leds, whose
true layout is the mean shape of their annotations. Where that folder is missing, its row is left out.

The error is the root mean square distance of the LEDs from the true ones after the best shift, rotation and scale, in
units of the true layout's size (root mean square distance from its centre). LEDs missing or too many are counted. The
second error is that of the layout as the rig file states it, e.g. as a regular ring.

    python benchmarks/rig_layout.py [--images 60] [--side 256] [--seed 7] [--run pretrained] [--out DIR]
"""

import argparse
import json
import platform
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.media import open_media
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.errors import LayoutError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.layout.finding import find_rig
from glint_unet.layout.looks import read_frames
from glint_unet.layout.picture import draw_layout
from glint_unet.layout.poses import layout_size
from glint_unet.pretrained import PRETRAINED

REAL = Path(__file__).resolve().parent.parent.parent / "shared" / "real" / "eight_leds"
COLUMNS = ((-0.7, -0.7), (-0.7, 0.0), (-0.7, 0.7), (0.7, -0.7), (0.7, 0.0), (0.7, 0.7))

Layout = NDArray[np.complex128]
Images = list[NDArray[np.uint8]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=60)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--seed", type=int, default=7, help="of the synthetic eyes; 7 was used to choose the method")
    parser.add_argument("--run", default=PRETRAINED)
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="glint_rig_"))
    out.mkdir(parents=True, exist_ok=True)
    detector = GlintDetector.load(arguments.run)
    print(f"{platform.platform()}, Python {platform.python_version()}; pictures in {out}")
    print("| rig | LEDs true, found, right | error % | error of the rig file % | spread % | confidence | CPU s |")
    print("|---|---|---|---|---|---|---|")
    for name, images, truth in cases(arguments.images, arguments.side, arguments.seed):
        print(row(name, detector, images, truth, out / f"{name}.png"), flush=True)


def cases(num: int, side: int, seed: int) -> Iterator[tuple[str, Images, Layout]]:
    """Name, images and true layout of each rig."""
    ring = Rig.ring(6).leds
    for name, leds in (("ring_of_6", ring), ("two_columns", COLUMNS)):
        for level in ("easy", "medium", "hard", "mixed"):
            sizes: dict[str, Any] = (
                {"layout_size": (0.45, 0.55), "iris_share": (0.22, 0.26)} if level == "mixed" else {}
            )
            rig = Rig(leds, image_size=(side, side), level=level, **sizes)
            positions = rig.positions()
            images = list(render_eyes(rig, seed, range(num))[0])
            yield f"{name}_{level}", images, positions[:, 0] + 1j * positions[:, 1]
    if REAL.is_dir():
        images = read_frames(open_media(str(REAL)).evenly_spaced(50)).images
        yield "eight_leds", images, annotated_layout()


def annotated_layout() -> Layout:
    """The mean shape of the annotations: similarity fits to the mean by the LEDs that an image shows, repeated."""
    points = np.full((50, 8), np.nan + 0j)
    for k, path in enumerate(sorted(REAL.glob("*.json"))):
        for shape in json.loads(path.read_text())["shapes"]:
            points[k, int(shape["label"][1:]) - 1] = complex(*shape["points"][0])
    points = points[np.isfinite(points).sum(axis=1) >= 3]
    present = np.isfinite(points)
    mean: Layout = np.exp(2j * np.pi * (np.arange(8) / 8 - 0.25))
    for _ in range(50):
        fitted = np.array([fit(row[seen], mean[seen], row) for row, seen in zip(points, present, strict=True)])
        mean = np.asarray(np.nanmean(fitted, axis=0))
    return mean


def fit(one: Layout, other: Layout, moved: Layout) -> Layout:
    """`moved`, by the similarity that brings `one` nearest to `other`."""
    away, target = one - one.mean(), other - other.mean()
    factor = (target * away.conj()).sum() / (np.abs(away) ** 2).sum()
    result: Layout = factor * (moved - one.mean()) + other.mean()
    return result


def row(name: str, detector: GlintDetector, images: Images, truth: Layout, picture: Path) -> str:
    """One line of the table."""
    started = time.process_time()
    try:
        finding = find_rig(detector, images, name)
    except LayoutError as error:
        return f"| {name} | refused: {error} |"
    seconds = time.process_time() - started
    draw_layout(finding, picture)
    right, of_leds = compared(finding.poses.leds, truth)
    _, of_file = compared(finding.shape.positions[:, 0] + 1j * finding.shape.positions[:, 1], truth)
    counts = f"{len(truth)}, {finding.shape.num_leds}, {right}"
    spread = f"{100 * finding.certainty.spread.max():.1f}"
    figures = f"{100 * of_leds:.2f} | {100 * of_file:.2f} | {spread} | {finding.certainty.grade.value} | {seconds:.0f}"
    return f"| {name} | {counts} | {figures} |"


def compared(found: Layout, truth: Layout) -> tuple[int, float]:
    """How many LEDs of two upright layouts pair up, and the root mean square distance of the pairs."""
    truth = (truth - truth.mean()) / layout_size(truth)
    found = (found - found.mean()) / layout_size(found)
    for _ in range(20):
        away = np.abs(found[:, None] - truth)
        nearest = away.argmin(axis=1)
        pairs = (away.min(axis=1) < 0.3) & (np.arange(len(found)) == away.argmin(axis=0)[nearest])
        if pairs.sum() < 2:
            return int(pairs.sum()), np.inf
        found = fit(found[pairs], truth[nearest[pairs]], found)
    return int(pairs.sum()), float(np.sqrt(np.mean(np.abs(found - truth[nearest])[pairs] ** 2)))


if __name__ == "__main__":
    main()
