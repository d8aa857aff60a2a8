"""Train on 71 annotated frames of a real infrared recording, and look at the 213 frames that were not annotated.

Protocol. `shared/real/human_one_led` annotates every fourth frame. The network trains on those (its own validation
frames among them) at 160x120. Judged are the other frames of `human_one_led.mp4`, none of which was trained on. Their
truth is made without the network: where both annotated neighbours (four frames apart) show the glint, it is the
intensity-weighted centroid of the bright blob nearest to the line between them, within 12 px at 640x480; where both
neighbours are blinks, there is none. A frame between a visible and a hidden neighbour is not judged, nor is one in
which no blob is found. A neighbouring frame is not an independent scene: this says that the system works end to end on
a real eye, not how well it does on other eyes.

Two arms: all defaults, and `--recipe original`.

    python benchmarks/real_recording.py [--out DIR] [--epochs 50]
"""

import argparse
import json
import platform
import subprocess
import sys
import tempfile
from pathlib import Path

import cv2
import numpy as np
import torch

from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.predictions import Predictions
from glint_unet.report.picture import draw_predictions

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "real"
SEARCH_PX = 12
ORIGINAL_RECIPE = ["--recipe", "original"]
RECIPES = {"defaults": [], "original": ORIGINAL_RECIPE}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--epochs", type=int, default=50)
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="glint_real_"))
    out.mkdir(parents=True, exist_ok=True)
    pack = ["--in_dir", REAL / "human_one_led", "--out_h5", out / "real.h5", "--num_classes", 1]
    run("-m", "glint_unet", "pack", *pack, "--img_h", 120, "--img_w", 160, "--overwrite")
    frames = read_frames(REAL / "human_one_led.mp4")
    visible, hidden = unseen_truth(frames)
    for name, recipe in RECIPES.items():
        train = ["--h5", out / "real.h5", "--output_dir", out / name, "--epochs", arguments.epochs]
        run(ROOT / "train_glint_unet.py", *train, *recipe)
        print(f"\n{name}: {' '.join(map(str, recipe)) or 'all defaults'}")
        report(out / name / "unseen_frames.png", frames, GlintDetector.load(out / name), visible, hidden)


def run(*words: object) -> None:
    """One of our commands; its output for every epoch is in the log of the run."""
    subprocess.run([sys.executable, *map(str, words)], check=True, cwd=ROOT, stdout=subprocess.DEVNULL)


def read_frames(path: Path) -> np.ndarray:
    video = cv2.VideoCapture(str(path))
    frames: list[np.ndarray] = []
    while True:
        ok, frame = video.read()
        if not ok:
            return np.stack(frames)
        frames.append(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY))


def unseen_truth(frames: np.ndarray) -> tuple[dict[int, tuple[float, float]], list[int]]:
    """Glint centres (x, y) in unannotated frames where one is certain, and the frames where there is certainly none."""
    annotated = {}
    for path in sorted((REAL / "human_one_led").glob("*.json")):
        shapes = json.loads(path.read_text())["shapes"]
        annotated[int(path.stem.split("_")[1])] = np.array(shapes[0]["points"][0]) if shapes else None
    visible, hidden = {}, []
    for before, after in zip(sorted(annotated), sorted(annotated)[1:], strict=False):
        for frame in range(before + 1, after):
            first, second = annotated[before], annotated[after]
            if first is None and second is None:
                hidden.append(frame)
            elif first is not None and second is not None:
                guess = first + (second - first) * (frame - before) / (after - before)
                if (centre := blob_near(frames[frame], guess)) is not None:
                    visible[frame] = centre
    return visible, hidden


def blob_near(image: np.ndarray, guess: np.ndarray) -> tuple[float, float] | None:
    """Centroid of the bright blob nearest to a guess, from the grey values alone."""
    count, labels, _, centroids = cv2.connectedComponentsWithStats((image > 200).astype(np.uint8))
    if count < 2:
        return None
    nearest = 1 + int(np.linalg.norm(centroids[1:] - guess, axis=1).argmin())
    if np.linalg.norm(centroids[nearest] - guess) > SEARCH_PX:
        return None
    rows, columns = np.nonzero(labels == nearest)
    weight = image[rows, columns].astype(float)
    return float((weight * columns).sum() / weight.sum()), float((weight * rows).sum() / weight.sum())


def report(
    picture: Path,
    frames: np.ndarray,
    detector: GlintDetector,
    visible: dict[int, tuple[float, float]],
    hidden: list[int],
) -> None:
    glints = detector.candidates(frames)
    judged = np.array(sorted(visible))
    truth = np.array([visible[frame] for frame in judged])
    errors = np.linalg.norm(glints.points[judged, 0] - truth, axis=1)
    found = glints.present[judged, 0]
    for limit, name in ((2.0, "2 px of the 640x480 recording"), (8.0, "2 px of the 160x120 network image")):
        right = int((found & (errors <= limit)).sum())
        print(f"right within {name}: {right} of {len(judged)} frames never trained on ({right / len(judged):.1%})")
    print(f"error where found, px of 640x480: median {np.median(errors[found]):.2f}, worst {errors[found].max():.2f}")
    empty = int((~glints.present[hidden, 0]).sum())
    print(f"blinks left empty: {empty} of {len(hidden)} frames never trained on")
    print(f"machine: {platform.machine()}, {torch.get_num_threads()} threads, torch {torch.__version__}")
    shown = np.concatenate(
        [judged[np.linspace(0, len(judged) - 1, 12).astype(int)], hidden[:: max(1, len(hidden) // 4)]]
    )
    known = np.full((len(shown), 1, 2), np.nan, np.float32)
    known[:12, 0] = [visible[frame] for frame in shown[:12]]
    points, scores, sigmas = (part[shown] for part in glints[:3])
    predictions = Predictions(points, scores, sigmas, known, frames.shape[1:], detector.threshold)
    draw_predictions(frames[shown], predictions, [f"frame {k}" for k in shown], ["g1"], "Real recording", picture)
    print(f"picture: {picture}")


if __name__ == "__main__":
    main()
