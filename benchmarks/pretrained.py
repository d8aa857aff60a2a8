"""How much sooner a network learns a rig from few annotated images if it begins with the pretrained weights.

Each data set is annotated images of a rig that the pretrained weights have not seen, and test images:

- drawn: eyes of six LEDs in two uneven columns, level medium, 128 px, of seeds of their own; 200 test images.
- eight_leds: 50 real frames in the order of recording, the eye cut out of each (256 px, shrunk to 128 px); the first 20
  are the annotated images, the other 30 the test images.

Networks with a heatmap for each LED and class-free ones are trained from random weights and with `--init pretrained`,
all else equal: defaults of `train`, the same seed, the same number of steps; a tenth of the annotated images is the
validation set, on which the threshold is chosen, as for any user. The layout that names the glints is learnt from the
annotated images. Checkpoints along the run are then evaluated on the test images by the F1 of glints of the right
LED within 2 px (eight_leds: 3 px, which are 6 px of the frame). The time is that of training and validation up to the
first checkpoint with F1 of at least .95. 'No training' is the pretrained network with the rig file.

    python benchmarks/pretrained.py [--images 20 100] [--steps 1200] [--seeds 1] [--threads 1] [--frames DIR]
"""

import argparse
import itertools
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from unseen_eyes import FRAMES, RIG, ROOT, eye_cut_out, whole_frames

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.data.images import Placement, place_image
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.inference.evaluate import evaluate
from glint_unet.inference.predictor import GlintDetector
from glint_unet.runs.run_directory import RunDirectory

GOAL = 0.95
SIDE, STRIDE, SIGMA, BATCH = 128, 2, 1.5, 8  # the stride of the pretrained weights
NUM_TEST, NUM_REAL, NUM_JUDGED = 200, 20, 40
DRAWN = "[leds]\npositions = [[-0.5, -0.4], [-0.4, 0.1], [-0.5, 0.5], [0.5, -0.5], [0.4, 0.0], [0.5, 0.3]]\n"


class Data(NamedTuple):
    """Annotated images of a rig.

    Attributes:
        name: for the table.
        h5: the annotated images; test_h5: the test images.
        num: number of annotated images.
        rig: the rig file.
        metric: the F1 that counts, of `KeypointMetrics.summary`.
    """

    name: str
    h5: Path
    test_h5: Path
    num: int
    rig: Path
    metric: str


class Learned(NamedTuple):
    """What a run came to: seconds and epochs to the goal, or None; F1 of the last checkpoint."""

    goal_s: float | None
    goal_epoch: int | None
    last: float

    def __str__(self) -> str:
        when = "not reached" if self.goal_s is None else f"{self.goal_s:.0f} s (epoch {self.goal_epoch})"
        return f"{when} | {self.last:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, nargs="*", default=[20, 100])
    parser.add_argument("--steps", type=int, default=1200)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--frames", type=Path, default=FRAMES, help="the frames of eight_leds; left out if missing")
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="glint_pretrained_"))
    out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    print("| data | images | network | begins with | F1 .95 after | F1 at the end |\n|---|---|---|---|---|---|")
    for data in [*drawn_eyes(out, arguments.images), *real_eyes(out, arguments.frames)]:
        f1 = f1_of(GlintDetector.load(rig=data.rig), data)
        print(f"| {data.name} | 0 | class-free, rig file | pretrained | no training | {f1:.3f} |", flush=True)
        for seed in range(arguments.seeds):
            for kind, init in itertools.product(("a heatmap for each LED", "class-free"), (None, "pretrained")):
                learned = learn(data, kind == "class-free", init, seed, arguments, out)
                begins = f"{kind} | {init or 'random weights'}"
                print(f"| {data.name} | {data.num} | {begins} | {learned} |", flush=True)


def learn(
    data: Data, class_free: bool, init: str | None, seed: int, arguments: argparse.Namespace, out: Path
) -> Learned:
    """Trains in a process of its own, then judges checkpoints along the run."""
    run = out / f"run_{data.h5.stem}_{'free' if class_free else 'each'}_{init or 'random'}_{seed}"
    steps_per_epoch = -(-(data.num - max(1, round(0.1 * data.num))) // BATCH)
    epochs = max(1, round(arguments.steps / steps_per_epoch))
    words = ["--h5", data.h5, "--output_dir", run, "--seed", seed, "--epochs", epochs, "--batch", BATCH]
    words += ["--save_freq", max(1, epochs // NUM_JUDGED), "--keep_last_n", epochs, "--threads", arguments.threads]
    words += [*(["--init", init] if init else []), *(["--class_free"] if class_free else [])]
    words += ["--no_progress", "--lang", "en"]
    with run.with_suffix(".txt").open("w") as console:
        command = [sys.executable, ROOT / "train_glint_unet.py", *words]
        subprocess.run(list(map(str, command)), check=True, stdout=console, stderr=console)
    ended_s = np.cumsum([row["epoch_time"] for row in json.loads((run / "metrics.json").read_text())])
    learned = Learned(None, None, 0.0)
    for epoch, path in RunDirectory(run).numbered_checkpoints():
        learned = learned._replace(last=f1_of(GlintDetector.load(path), data))
        if learned.last >= GOAL and learned.goal_s is None:
            learned = learned._replace(goal_s=float(ended_s[epoch - 1]), goal_epoch=epoch)
    return learned


def f1_of(detector: GlintDetector, data: Data) -> float:
    num = inspect_dataset(data.test_h5).num_images
    return float(evaluate(detector, data.test_h5, np.arange(num), worst=0).figures[data.metric] or 0)


def drawn_eyes(out: Path, numbers: list[int]) -> Iterator[Data]:
    rig = out / "drawn.toml"
    rig.write_text(f'{DRAWN}[image]\nsize = {SIDE}\nstride = {STRIDE}\n[scene]\nlevel = "medium"\n')
    test = out / "drawn_test.h5"
    list(write_synthetic(test, Rig.read(rig), num=NUM_TEST, seed=9002))
    for num in numbers:
        h5 = out / f"drawn_{num}.h5"
        list(write_synthetic(h5, Rig.read(rig), num=num, seed=9001))
        yield Data("drawn", h5, test, num, rig, "f1")


def real_eyes(out: Path, frames: Path) -> Iterator[Data]:
    if not frames.is_dir():
        print(f"{frames} is missing: eight_leds is left out")
        return
    rig = out / "eight_leds.toml"
    rig.write_text(RIG)
    eyes = eye_cut_out(whole_frames(frames), 1.0)
    placement = Placement.of(eyes.images.shape[1:], (SIDE, SIDE))
    images = np.stack([place_image(image, placement) for image in eyes.images])
    keypoints = placement.forth(eyes.truth).astype(np.float32)
    h5, test = out / "real_20.h5", out / "real_test.h5"
    write_eyes(h5, images[:NUM_REAL], keypoints[:NUM_REAL])
    write_eyes(test, images[NUM_REAL:], keypoints[NUM_REAL:])
    yield Data("eight_leds", h5, test, NUM_REAL, rig, "f1_3px")


def write_eyes(path: Path, images: NDArray[np.uint8], keypoints: NDArray[np.float32]) -> None:
    """A data set of images (n, H, W) with keypoints (n, C, 2), NaN where absent."""
    size = (SIDE // STRIDE, SIDE // STRIDE)
    heatmaps = render_heatmaps(torch.from_numpy(keypoints), size, STRIDE, SIGMA).numpy().astype(np.float16)
    stems = [f"frame_{k:03d}" for k in range(len(images))]
    attributes = {"sigma_min": SIGMA, "prefix": "g"}
    C = keypoints.shape[1]
    with DatasetWriter(path, num_classes=C, image_size=(SIDE, SIDE), heatmap_size=size, attributes=attributes) as out:
        out.append(images, heatmaps, keypoints, stems)


if __name__ == "__main__":
    main()
