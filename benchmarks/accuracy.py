"""How well, and how soon: four questions, each answered on images that training never saw.

1. time     Minutes of training until validation reaches F1 .95 within 2 px, right LED, on one file of 1,000 synthetic
            medium images of 128x128: the original recipe, ours, and the original network with our recipe.
2. levels   F1 within 3 px, right LED, and median error on unseen 256x256 scenes, beside classical detectors.
3. single   One corneal reflection of exactly known centre, beside two classical methods.
4. real     The recording of one LED: trained on synthetic eyes only, then with 20 real frames.

Protocol. Scenes are functions of (rig, seed, index): training uses the seeds below 100, classical detectors are tuned
on seed 101, and what is judged has seed 102; nothing is chosen on it. Part 4 is evaluated on frames that are neither
annotated nor trained on (benchmarks/real_recording.py finds their truth from grey values, without a network).

    python benchmarks/accuracy.py [time levels single real] [--out DIR] [--threads 2] [--cap_minutes 40]
"""

import argparse
import contextlib
import json
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch
from classical import best_of_each
from real_recording import ORIGINAL_RECIPE, REAL, read_frames, unseen_truth
from single_cr import KINDS, SIDE, radial_symmetry, render_crs, threshold_and_centroid

from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.metrics import KeypointMetrics
from glint_unet.model.predictions import Predictions
from glint_unet.report.picture import draw_predictions

ROOT = Path(__file__).resolve().parent.parent
TUNING_SEED, JUDGED_SEED = 101, 102
GOAL_F1 = 0.95
ARMS = {
    "ours": ["--epochs", 20],
    "original network, our recipe": ["--epochs", 30, "--arch", "unet"],
    "original recipe": ["--epochs", 1000, *ORIGINAL_RECIPE],
}


def main() -> None:
    parts = {"time": time_to_quality, "levels": levels, "single": single_reflection, "real": real_recording}
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=list(parts), metavar="time|levels|single|real")
    parser.add_argument("--out", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--cap_minutes", type=float, default=40)
    arguments = parser.parse_args()
    arguments.out = arguments.out or Path(tempfile.mkdtemp(prefix="glint_accuracy_"))
    arguments.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(arguments.threads)
    machine = f"{platform.machine()}, {os.cpu_count()} cores, {arguments.threads} threads used"
    print(f"machine: {machine}, torch {torch.__version__}; kept in {arguments.out}")
    for name in arguments.parts:
        started = time.monotonic()
        print(f"\n== {name}", flush=True)
        parts[name](arguments)
        print(f"({name}: {(time.monotonic() - started) / 60:.1f} minutes)", flush=True)


# --- 1. time to quality ---


def time_to_quality(arguments: argparse.Namespace) -> None:
    data = arguments.out / "medium_128.h5"
    list(write_synthetic(data, Rig.ring(8, image_size=(128, 128), level="medium"), num=1000, seed=1))
    ours = None
    for number, (name, flags) in enumerate(ARMS.items()):
        reached, cpu_minutes, history = train_until(arguments.out / f"arm_{number}", ["--h5", data, *flags], arguments)
        best = max((row["val"]["f1"] or 0 for row in history), default=0)
        least = min((row["val"]["px_median"] or np.inf for row in history), default=np.inf)
        minutes = sum(row["epoch_time"] for row in history) / 60
        ours = ours or cpu_minutes
        print(
            f"{name}: F1 {GOAL_F1} {'after' if reached else 'not reached in'} {minutes:.1f} minutes of epochs, "
            f"{cpu_minutes:.1f} CPU minutes in all = {cpu_minutes / ours:.1f} times ours "
            f"(epoch {len(history)}, best F1 {best:.3f}, best median error {least:.2f} px)",
            flush=True,
        )


def train_until(run: Path, flags: list[Any], arguments: argparse.Namespace) -> tuple[bool, float, list[dict[str, Any]]]:
    """Trains until validation reaches the goal or the cap is over: whether it did, CPU minutes, epochs so far.

    CPU minutes are those of the whole process, its start included; unlike the clock's they do not depend on what else
    runs on the machine.
    """
    process, started = start_training(run, flags, arguments), time.monotonic()
    cpu_seconds, metrics = 0.0, run / "metrics.json"
    history: list[dict[str, Any]] = []
    while process.poll() is None and time.monotonic() - started < arguments.cap_minutes * 60:
        with contextlib.suppress(psutil.NoSuchProcess):
            times = psutil.Process(process.pid).cpu_times()
            cpu_seconds = times.user + times.system
        history = json.loads(metrics.read_text()) if metrics.exists() else []
        if history and (history[-1]["val"]["f1"] or 0) >= GOAL_F1:
            break
        time.sleep(0.5)
    process.send_signal(signal.SIGTERM)
    process.wait()
    good = [k for k, row in enumerate(history) if (row["val"]["f1"] or 0) >= GOAL_F1]
    return bool(good), cpu_seconds / 60, history[: good[0] + 1] if good else history


def start_training(run: Path, flags: list[Any], arguments: argparse.Namespace) -> subprocess.Popen[bytes]:
    words = [sys.executable, ROOT / "train_glint_unet.py", "--output_dir", run, "--lang", "en", "--no_progress", *flags]
    environment = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}
    with (arguments.out / f"{run.name}.txt").open("w") as console:
        return subprocess.Popen(list(map(str, words)), stdout=console, stderr=console, env=environment)


def train(run: Path, flags: list[Any], arguments: argparse.Namespace) -> GlintDetector:
    """Trains to the end, resuming the run that an earlier call left in `run`."""
    flags = ["--resume", run] if (run / "latest_checkpoint.pth").exists() else flags
    if start_training(run, flags, arguments).wait() != 0:
        raise SystemExit((arguments.out / f"{run.name}.txt").read_text()[-2000:])
    history = json.loads((run / "metrics.json").read_text())
    minutes = sum(row["epoch_time"] for row in history) / 60
    print(f"training: {len(history)} epochs, {minutes:.1f} minutes ({' '.join(map(str, flags))})", flush=True)
    return GlintDetector.load(run)


# --- 2. levels ---


def levels(arguments: argparse.Namespace) -> None:
    rig = arguments.out / "rig_256.toml"
    rig.write_text('[image]\nsize = 256\n[scene]\nlevel = "mixed"\n[stream]\nimages = 1000\nvalidation = 60\n')
    flags = ["--h5", f"synth:{rig}", "--seed", 2, "--epochs", 40, "--num_workers", 0, "--batch", 8]
    detector = train(arguments.out / "levels", flags, arguments)
    precise = GlintDetector.load(arguments.out / "levels", precise=True)
    for level, goal in (("easy", 0.98), ("medium", 0.93), ("hard", 0.80)):
        rig = Rig.ring(8, level=level)
        tuning = render_eyes(rig, TUNING_SEED, range(60))
        images, truth = render_eyes(rig, JUDGED_SEED, range(300))
        found = figures(detector, images, truth)
        print(f"{level}: F1 within 3 px {found['f1_3px']:.3f} (goal {goal}), median error {found['px_median']:.3f} px")
        exact = figures(precise, images, truth)
        print(f"  --precise: F1 within 3 px {exact['f1_3px']:.3f}, median error {exact['px_median']:.3f} px")
        keys = ("f1", "f1_5px", "f1_free", "px_mean", "px_p95", "presence", "two_right", "calibration", "sigma_ratio")
        print("  " + ", ".join(f"{key} {found[key]:.3f}" for key in keys))
        for name, (setting, f1) in best_of_each(tuning, (images, truth)).items():
            print(f"  {name} ({setting}): identity-free F1 within 3 px {f1:.3f}", flush=True)
        shown = detector.candidates(images[:12])
        predictions = Predictions(*shown[:3], truth[:12], rig.image_size, detector.threshold)
        names = [f"image {k}" for k in range(12)]
        draw_predictions(images[:12], predictions, names, detector.labels(), level, arguments.out / f"{level}.png")


def figures(detector: GlintDetector, images: np.ndarray, truth: np.ndarray) -> dict[str, float | None]:
    metrics = KeypointMetrics()
    for k in range(0, len(images), 50):
        found = detector.candidates(images[k : k + 50])
        parts = (found.points, found.scores, found.sigmas, truth[k : k + 50])
        metrics.add(*(torch.from_numpy(part) for part in parts))
    return metrics.summary(detector.threshold)


# --- 3. single reflection ---


def single_reflection(arguments: argparse.Namespace) -> None:
    data = arguments.out / "single.h5"
    with DatasetWriter(
        data, num_classes=1, image_size=(SIDE, SIDE), heatmap_size=(SIDE // 4, SIDE // 4), attributes={"prefix": "g"}
    ) as writer:
        for start in range(0, 12_000, 100):
            images, centres = render_crs(SINGLE_MIX[start // 100 % len(SINGLE_MIX)], 3, range(start, start + 100))
            empty = np.zeros((100, 1, SIDE // 4, SIDE // 4), np.float16)
            writer.append(images, empty, centres, [f"cr_{start + k}" for k in range(100)])
    flags = ["--h5", data, "--seed", 3, *SINGLE_RECIPE]
    detector = train(arguments.out / "single", flags, arguments)
    precise = GlintDetector.load(arguments.out / "single", precise=True)
    for kind in KINDS:
        images, centres = render_crs(kind, JUDGED_SEED, range(500))
        methods = {
            name: np.concatenate([one.candidates(images[k : k + 50]).points[:, 0] for k in range(0, 500, 50)])
            for name, one in (("ours", detector), ("ours, --precise", precise))
        }
        for method in (threshold_and_centroid, radial_symmetry):
            methods[method.__name__] = np.stack([method(image) for image in images])
        for name, points in methods.items():
            errors = np.linalg.norm(points - centres[:, 0], axis=1)
            over = int((errors > 1).sum())
            shown = f"mean {errors.mean():.3f}, median {np.median(errors):.3f}, worst {errors.max():.2f} px"
            print(f"{kind}: {name}: {shown}, {over} of {len(errors)} above 1 px", flush=True)


SINGLE_MIX = ("saturated", "saturated", "dim", "saturated", "saturated", "blurred")
SINGLE_RECIPE = [
    *("--epochs", 24, "--batch", 16, "--cooldown", 0.6, "--val_split", 0.02, "--aug_rotate_deg", 0, "--aug_scale", 0),
    *("--aug_noise", 0, "--aug_blur", 0, "--aug_cutout", 0.02),
]


# --- 4. real recording ---


def real_recording(arguments: argparse.Namespace) -> None:
    frames = read_frames(REAL / "human_one_led.mp4")
    visible, hidden = unseen_truth(frames)
    rig = arguments.out / "rig_one_led.toml"
    rig.write_text(ONE_LED)
    flags = ["--h5", f"synth:{rig}", "--seed", 4, "--epochs", 12, "--num_workers", 0]
    detector = train(arguments.out / "real_0", flags, arguments)
    report("synthetic eyes only", detector, frames, visible, hidden, arguments)

    chosen = arguments.out / "twenty_frames"
    chosen.mkdir(exist_ok=True)
    annotated = sorted((REAL / "human_one_led").glob("*.json"))
    for k in np.linspace(0, len(annotated) - 1, 20).round().astype(int):
        for path in (annotated[k], annotated[k].with_suffix(".jpg")):
            shutil.copy(path, chosen)
    data = arguments.out / "twenty.h5"
    words = ["-m", "glint_unet", "pack", "--in_dir", chosen, "--out_h5", data, "--num_classes", 1, "--overwrite"]
    words += ["--img_h", 240, "--img_w", 320]
    subprocess.run([sys.executable, *map(str, words)], check=True, cwd=ROOT)
    flags = ["--h5", data, "--init", arguments.out / "real_0", "--seed", 5, "--epochs", 60, "--lr", 1e-3]
    detector = train(arguments.out / "real_20", flags, arguments)
    report("then 20 real frames", detector, frames, visible, hidden, arguments)


ONE_LED = """
[leds]
positions = [[0, 0]]
[image]
size = [240, 320]
[scene]
level = "mixed"
"""


def report(
    name: str,
    detector: GlintDetector,
    frames: np.ndarray,
    visible: dict[int, tuple[float, float]],
    hidden: list[int],
    arguments: argparse.Namespace,
) -> None:
    glints = detector.candidates(frames)
    judged = np.array(sorted(visible))
    truth = np.array([visible[frame] for frame in judged])
    errors = np.linalg.norm(glints.points[judged, 0] - truth, axis=1)
    found = glints.present[judged, 0]
    for limit, what in ((2.0, "2 px of 640x480"), (4.0, "2 px of the network's 320x240")):
        right = int((found & (errors <= limit)).sum())
        print(f"{name}: right within {what}: {right} of {len(judged)} ({right / len(judged):.1%})")
    print(f"  error where found: median {np.median(errors[found]) if found.any() else np.nan:.2f} px of 640x480")
    print(f"  false glints in blinks: {int(glints.present[hidden, 0].sum())} of {len(hidden)}", flush=True)
    shown = np.concatenate([judged[np.linspace(0, len(judged) - 1, 12).astype(int)], hidden[:: len(hidden) // 4]])
    known = np.full((len(shown), 1, 2), np.nan, np.float32)
    known[:12, 0] = [visible[frame] for frame in shown[:12]]
    picture = arguments.out / f"{name.replace(' ', '_')}.png"
    points, scores, sigmas = (part[shown] for part in glints[:3])
    predictions = Predictions(points, scores, sigmas, known, frames.shape[1:], detector.threshold)
    draw_predictions(frames[shown], predictions, [f"frame {k}" for k in shown], ["g1"], name, picture)


if __name__ == "__main__":
    main()
