"""Eyes of people the network has never seen: real frames of eight LEDs, judged from a rig file alone.

The pretrained weights of the package, which have never seen the rig (`RIG`: the ring's turn and size, nothing else)
and are given it at inference alone, and networks of 128 and 256 px trained on synthetic eyes of the rig are evaluated
on the 50 annotated frames of ../shared/real/eight_leds, as whole frames and cut out around the eye, enlarged and shrunk
from 0.5 to 2; then they are adapted to these images without their labels and judged again. Peers on the same
frames: blobs and differences of Gaussians with a ring fitted by RANSAC, each at the setting that is best on synthetic
eyes, and the glint detector of cheshm (PyPI), where it is installed, with the same ring fit.

Right is a prediction of the right LED within 6 px of the 640x400 frame. A g7 that is a streak on the limbus (frames 43
to 58) has no label and counts neither way.

    python benchmarks/unseen_eyes.py [--out DIR] [--sides 128 256] [--epochs 20] [--seed 1] [--threads 2]
"""

import argparse
import importlib
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from classical import Detector, fit_ring, settings_to_try
from numpy.typing import NDArray
from PIL import Image

from glint_unet.data.images import as_grey, part_of_image, read_image
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.predictions import Predictions
from glint_unet.pretrained import PRETRAINED
from glint_unet.report.picture import draw_predictions

ROOT = Path(__file__).resolve().parent.parent
FRAMES = ROOT.parent / "shared" / "real" / "eight_leds"
RIG = "[leds]\nnumber = 8\nstart_deg = -92\nsize = [0.45, 0.65]\n"
STREAM = "[stream]\nimages = 2000\nvalidation = 200\n"
LIMIT_PX = 6.0
EYE_SIDE = 256
ENLARGED = (0.5, 0.71, 1.0, 1.41, 2.0)
TUNING_SEED = 101


class Views(NamedTuple):
    """The frames as a detector sees them, and where their glints are.

    Attributes:
        images: (n, H, W) uint8.
        truth: (n, 8, 2) px of these images; NaN where the LED has no label.
        counts: (n, 8) bool, False where a prediction counts neither way.
    """

    images: NDArray[np.uint8]
    truth: NDArray[np.float32]
    counts: NDArray[np.bool_]


class Found(NamedTuple):
    """Predictions of one method.

    Attributes:
        points: (n, 8, 2) px of the view; present: (n, 8) bool.
    """

    points: NDArray[np.float32]
    present: NDArray[np.bool_]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--sides", type=int, nargs="*", default=[128, 256])
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no_peers", action="store_true")
    parser.add_argument("--no_adapt", action="store_true")
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="glint_unseen_"))
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    frames = whole_frames()
    views = {"whole frame": frames, **{f"eye x{factor:g}": eye_cut_out(frames, factor) for factor in ENLARGED}}
    print(f"{len(frames.images)} frames, {int(np.isfinite(frames.truth[..., 0]).sum())} glints; kept in {out}")
    rig = out / "rig.toml"
    rig.write_text(RIG)
    judge("pretrained", PRETRAINED, rig, views, arguments, out)
    for side in arguments.sides:
        run = trained(out, side, arguments)
        report(f"{side} px, each LED alone", GlintDetector.load(run, constellation=False), views)
        judge(f"{side} px", run, None, views, arguments, out)
    if not arguments.no_peers:
        for name, method in peers().items():
            for view in ("whole frame", "eye x1"):
                shown = views[view]
                print(f"{name}: {view}: {judged(method(shown), shown)}", flush=True)


def judge(
    name: str, run: Path | str, rig: Path | None, views: dict[str, Views], arguments: argparse.Namespace, out: Path
) -> None:
    """Judges a network on all views; then adapted to the images of two of them."""
    detector = GlintDetector.load(run, rig=rig)
    report(name, detector, views)
    for view in ("whole frame", "eye x1"):
        sheet = f"{view.split()[0]}_{name.split()[0]}"
        draw(detector, views[view], out / f"{sheet}.png")
        if not arguments.no_adapt:
            better = GlintDetector.load(adapted(out / f"adapted_{sheet}", run, rig, views[view], arguments))
            report(f"{name}, adapted to images of {view}", better, views)
            draw(better, views[view], out / f"{sheet}_adapted.png")


def trained(out: Path, side: int, arguments: argparse.Namespace) -> Path:
    """Trains on synthetic eyes of the rig, resuming the run of an earlier call."""
    rig, run = out / f"rig_{side}.toml", out / f"run_{side}"
    rig.write_text(f"{RIG}[image]\nsize = {side}\n{STREAM}")
    words = ["--h5", f"synth:{rig}", "--output_dir", run, "--epochs", arguments.epochs, "--seed", arguments.seed]
    if (run / "latest_checkpoint.pth").exists():
        words = ["--resume", run]
    words += ["--threads", arguments.threads, "--num_workers", 0, "--no_progress", "--lang", "en"]
    with (out / f"run_{side}.txt").open("w") as console:
        command = [sys.executable, ROOT / "train_glint_unet.py", *words]
        subprocess.run(list(map(str, command)), check=True, stdout=console, stderr=console)
    return run


def adapted(new: Path, run: Path | str, rig: Path | None, views: Views, arguments: argparse.Namespace) -> Path:
    """Adapts a network to the images of a view, whose labels it never sees."""
    images = new.with_name(f"images_{new.name}")
    images.mkdir(exist_ok=True)
    for k, image in enumerate(views.images):
        Image.fromarray(image).save(images / f"{k:03d}.png")
    words = ["-m", "glint_unet", "adapt", "--run", run, "--images", images, "--output_dir", new, "--no_progress"]
    words += ["--rig", rig] if rig else []
    with new.with_suffix(".txt").open("w") as console:
        command = [sys.executable, *words, "--threads", arguments.threads, "--lang", "en"]
        subprocess.run(list(map(str, command)), check=True, cwd=ROOT, stdout=console, stderr=console)
    return new


def report(name: str, detector: GlintDetector, views: dict[str, Views]) -> None:
    for view, shown in views.items():
        print(f"{name}: {view}: {judged(predictions(detector, shown), shown)}", flush=True)


def whole_frames(directory: Path = FRAMES) -> Views:
    """The annotated frames."""
    images, truth, counts = [], [], []
    for path in sorted(directory.glob("*.json")):
        points = np.full((8, 2), np.nan, np.float32)
        for shape in json.loads(path.read_text())["shapes"]:
            points[int(shape["label"].removeprefix("g")) - 1] = shape["points"][0]  # a circle's centre
        known = np.ones(8, bool)
        known[6] = np.isfinite(points[6, 0]) or not 43 <= int(path.stem.split("_")[1]) <= 58
        images.append(as_grey(read_image(path.with_suffix(".jpg")))[0])
        truth.append(points)
        counts.append(known)
    return Views(np.stack(images), np.stack(truth), np.stack(counts))


def eye_cut_out(frames: Views, factor: float) -> Views:
    """A square around the mean of each frame's labelled glints, `EYE_SIDE / factor` px wide; borders are repeated."""
    side, images, truth = round(EYE_SIDE / factor), [], []
    for image, points in zip(frames.images, frames.truth, strict=True):
        corner = np.round(np.nanmean(points, axis=0) - side / 2).astype(int)
        images.append(part_of_image(image, int(corner[0]), int(corner[1]), side, side))
        truth.append(points - corner)
    return Views(np.stack(images), np.stack(truth).astype(np.float32), frames.counts)


def predictions(detector: GlintDetector, views: Views) -> Found:
    glints = detector(views.images)
    return Found(glints.points, glints.present)


def judged(found: Found, views: Views) -> str:
    """Recall and precision, the right LED within `LIMIT_PX`, and the median error."""
    recall, precision, error = scores_of(found, views)
    return f"recall {recall:.3f}, precision {precision:.3f}, median error {error:.2f} px"


def scores_of(found: Found, views: Views) -> tuple[float, float, float]:
    """What `judged` says, as numbers; the error in px of the view."""
    distance = np.linalg.norm(found.points - views.truth, axis=-1)
    present, found_present = np.isfinite(views.truth[..., 0]), found.present & views.counts
    right = found_present & (np.nan_to_num(distance, nan=np.inf) <= LIMIT_PX)
    recall, precision = right.sum() / present.sum(), right.sum() / max(int(found_present.sum()), 1)
    error = float(np.median(distance[right])) if right.any() else float("nan")
    return float(recall), float(precision), error


def draw(detector: GlintDetector, views: Views, path: Path) -> None:
    """All frames with predictions and truth in one sheet."""
    glints = detector.candidates(views.images)
    predictions = Predictions(*glints[:3], views.truth, views.images.shape[1:3], detector.threshold)
    names = [f"frame {k}" for k in range(len(views.images))]
    draw_predictions(views.images, predictions, names, detector.labels(), "All frames", path)


# --- peers: spots of a classical detector, and a ring fitted to them ---


def peers() -> dict[str, Callable[[Views], Found]]:
    """The best setting of each classical detector with a ring fit, tuned on synthetic eyes of the same rig."""
    rig = Rig.ring(8, start_deg=-92, layout_size=(0.45, 0.65), image_size=(256, 256))
    images, truth = render_eyes(rig, TUNING_SEED, range(40))
    tuning = Views(images, truth, np.ones(truth.shape[:2], bool))
    best: dict[str, tuple[float, str, Callable[[Views], Found]]] = {}
    for name, setting, detector in spot_detectors():
        method = with_ring(detector, rig.positions())
        found = method(tuning)
        distance = np.linalg.norm(found.points - truth, axis=-1)
        right = int((found.present & (np.nan_to_num(distance, nan=np.inf) <= LIMIT_PX)).sum())
        f1 = 2 * right / max(int(found.present.sum()) + int(np.isfinite(truth[..., 0]).sum()), 1)
        if f1 > best.get(name, (0.0,))[0]:
            best[name] = (f1, setting, method)
    return {f"{name} + ring ({setting}; F1 {f1:.2f} where tuned)": m for name, (f1, setting, m) in best.items()}


def with_ring(detector: Detector, layout: NDArray[np.float32], most: int = 16) -> Callable[[Views], Found]:
    """A classical detector's spots, named by the ring that most of them agree with."""

    def find(views: Views) -> Found:
        side = min(views.images.shape[1:])
        points = [fit_ring(detector(image, most), layout, (0.03 * side, 0.35 * side)) for image in views.images]
        return Found(np.stack(points), np.isfinite(np.stack(points)[..., 0]))

    return find


def spot_detectors() -> list[tuple[str, str, Detector]]:
    """Classical detectors at all settings, and cheshm's where it is installed."""
    detectors = [
        (name, setting, detector) for name, setting, detector in settings_to_try() if name != "SimpleBlobDetector"
    ]
    try:
        detect_glints = importlib.import_module("cheshm.glint_detectors.Simple").detect_glints
    except ImportError:
        print("cheshm is not installed; left out")
        return detectors

    def cheshm_at(threshold: int) -> Detector:
        def detect(image: np.ndarray, most: int) -> np.ndarray:
            found: Any = detect_glints(image, glint_threshold=threshold, glints_target=most, max_area_px=500)
            return np.array([glint["center"] for glint in found["glints"]], np.float32).reshape(-1, 2)

        return detect

    return detectors + [("cheshm", f"> {level}", cheshm_at(level)) for level in (80, 120, 160, 200, 230)]


if __name__ == "__main__":
    main()
