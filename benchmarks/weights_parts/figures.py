"""Figures of the pretrained weights, on eyes that they were not trained on.

Drawn eyes: 200 images of each rig, of a seed of its own; right is a glint within 2 px of the 128 px image. eight_leds:
the 50 annotated frames, whole and cut out around the eye; right is a glint within 6 px of the frame. Without the rig
file, as many of the highest peaks as the rig has LEDs are compared with the glints, whichever LED they are.
"""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from unseen_eyes import RIG, Found, Views, eye_cut_out, predictions, scores_of, whole_frames

from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.inference.evaluate import evaluate
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.unnamed import in_order_of_truth

NUM, SEED = 200, 7001
RIGS = {
    "ring of 8": "number = 8\nstart_deg = -92\n",
    "ring of 6": "number = 6\n",
    "two columns of 3": "positions = [[-0.4, -0.4], [-0.4, 0], [-0.4, 0.4], [0.4, -0.4], [0.4, 0], [0.4, 0.4]]\n",
    "2 LEDs": "positions = [[-0.5, 0], [0.5, 0]]\n",
}
HEAD = "| images | LEDs | recall | precision | median error |\n|---|---|---|---|---|\n"


class Row(NamedTuple):
    """One line of the table; `named`: with the rig file."""

    images: str
    named: bool
    recall: float
    precision: float
    px: float

    def __str__(self) -> str:
        how = "named by the rig file" if self.named else "unnamed"
        return f"| {self.images} | {how} | {self.recall:.3f} | {self.precision:.3f} | {self.px:.2f} px |\n"


def figures(path: Path, frames: Path) -> str:
    """The table for the card, in Markdown.

    Args:
        path: the .safetensors file.
        frames: directory of eight_leds; may be missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        rows = [*_of_drawn_eyes(path, Path(folder)), *_of_real_eyes(path, Path(folder), frames)]
    return HEAD + "".join(map(str, rows))


def _of_drawn_eyes(path: Path, folder: Path) -> Iterator[Row]:
    for k, (name, leds) in enumerate(RIGS.items()):
        toml, h5 = folder / f"{k}.toml", folder / f"{k}.h5"
        toml.write_text(f"[leds]\n{leds}[image]\nsize = 128\n")
        rig = Rig.read(toml)
        list(write_synthetic(h5, rig, num=NUM, seed=SEED + k))
        for named in (False, True) if rig.num_leds >= 4 else (False,):
            detector = GlintDetector.load(path, rig=toml if named else None)
            found = evaluate(detector, h5, np.arange(NUM), worst=0).figures
            recall, precision, px = (float(found[n] or 0) for n in ("recall", "precision", "px_median"))
            yield Row(f"drawn, {name}", named, recall, precision, px)


def _of_real_eyes(path: Path, folder: Path, frames: Path) -> Iterator[Row]:
    if not frames.is_dir():
        print(f"{frames} is missing: no figures of real eyes")
        return
    whole = whole_frames(frames)
    toml = folder / "eight_leds.toml"
    toml.write_text(RIG)
    views = {"whole frames": whole, "eyes cut out": eye_cut_out(whole, 1.0)}
    for name, shown in views.items():
        for rig in (None, toml):
            detector = GlintDetector.load(path, rig=rig).for_leds(shown.truth.shape[1])
            yield Row(f"eight_leds, {name}", rig is not None, *_scores(detector, shown))


def _scores(detector: GlintDetector, views: Views) -> tuple[float, float, float]:
    found = predictions(detector, views)
    if not detector.names_leds:
        found = Found(*in_order_of_truth(views.truth, *found))
    return scores_of(found, views)
