"""Video at camera speed: full looks and following, on a drawn recording with known glints, one thread.

Protocol. `render_recording` draws a 640x400 recording of one eye with 8 LEDs: fixations, saccades, a blink about every
3 s, noise that differs from frame to frame. Each arm sees every frame in order, one at a time; latency is from the
frame in hand to the glints in hand. Wall-clock latency is the median over rounds of the arm's p50 and p99, arms
interleaved; CPU time per frame stands beside it, for machines with other work. F1: right LED within 2 px of 640x400.
RMS-S2S as in `inference/recording_quality.py`, and that of the truth. Peers, without identity, on the regions that were
followed (OpenCV SimpleBlobDetector and DoG of `benchmarks/classical.py`) are timed on the same frames.

    python benchmarks/video.py --run RUN_OR_ONNX [--arm NAME=RUN ...] [--rig RIG] [--frames 1500] [--rounds 5]

`--arm int8=m8.onnx` adds another model that is followed.
"""

import argparse
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from classical import difference_of_gaussians, simple_blob_detector

from glint_unet.data.synthetic.eye_movements import render_recording
from glint_unet.data.synthetic.rig import Rig
from glint_unet.inference.follow import Follower
from glint_unet.inference.predictor import GlintDetector, Glints
from glint_unet.inference.recording_quality import RecordingQuality
from glint_unet.model.metrics import KeypointMetrics

FPS = 500.0
SIZE = (400, 640)
START_DEG = -92.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", required=True)
    parser.add_argument("--arm", action="append", default=[], metavar="NAME=RUN")
    parser.add_argument("--rig", default=None)
    parser.add_argument("--frames", type=int, default=1500)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--level", default="easy")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rig = Rig.ring(8, START_DEG, image_size=SIZE, level=arguments.level)
    frames, truth = map(np.stack, zip(*render_recording(rig, arguments.seed, arguments.frames, FPS), strict=True))
    print(
        f"machine: {platform.machine()}, 1 thread, torch {torch.__version__}; {len(frames)} frames, {arguments.level}"
    )
    detector = GlintDetector.load(arguments.run, rig=arguments.rig)
    arms: dict[str, Callable[[], Callable[[np.ndarray], Glints]]] = {
        "full look": lambda: lambda image: detector(image[None, ..., None]),
        "following": lambda: Follower(detector),
    }
    for arm in arguments.arm:
        name, _, run = arm.partition("=")
        other = GlintDetector.load(Path(run), rig=arguments.rig)
        arms[f"following, {name}"] = lambda other=other: Follower(other)  # type: ignore[misc]
    found, timings = measured(arms, frames, arguments.rounds)
    print("| | frames/s | p50, p99 ms | CPU ms | F1 | median, p95 px | RMS-S2S px |\n|---|---|---|---|---|---|---|")
    for name, glints in found.items():
        print(row(name, glints, timings[name], truth))
    visible = np.isfinite(truth).all(axis=-1)
    exact = Glints(truth, visible.astype(np.float32), np.zeros(visible.shape, np.float32), visible)
    print(f"| truth | | | | | | {rms(exact):.3f} |")
    compare(found["full look"], found["following"])
    peers(frames, truth)


def measured(
    arms: dict[str, Callable[[], Callable[[np.ndarray], Glints]]], frames: np.ndarray, rounds: int
) -> tuple[dict[str, Glints], dict[str, list[tuple[float, float, float, float]]]]:
    """Glints of every arm, and of each round: frames/s, p50 and p99 in ms, CPU ms per frame."""
    found: dict[str, Glints] = {}
    timings: dict[str, list[tuple[float, float, float, float]]] = {name: [] for name in arms}
    for _ in range(rounds):
        for name, new in arms.items():
            find, latencies, glints = new(), [], []
            used = time.process_time()
            for frame in frames:
                came = time.perf_counter()
                glints.append(find(frame))
                latencies.append(1e3 * (time.perf_counter() - came))
            used = 1e3 * (time.process_time() - used) / len(frames)
            p50, p99 = np.percentile(latencies, (50, 99))
            timings[name].append((1e3 * len(frames) / sum(latencies), float(p50), float(p99), used))
            found[name] = Glints(*(np.concatenate(parts) for parts in zip(*glints, strict=True)))
            if isinstance(find, Follower):
                print(f"{name}: {find.num_full_looks} full looks of {find.num_frames} frames")
    return found, timings


def row(name: str, glints: Glints, timings: list[tuple[float, float, float, float]], truth: np.ndarray) -> str:
    fps, p50, p99, used = (statistics.median(values) for values in zip(*timings, strict=True))
    metrics = KeypointMetrics(SIZE)
    scores = np.where(glints.present, np.float32(1), np.float32(0))
    metrics.add(*(torch.from_numpy(array) for array in (np.nan_to_num(glints.points), scores, glints.sigmas, truth)))
    summary = metrics.summary(0.5)
    accuracy = f"{summary['f1']:.4f} | {summary['px_median']:.3f}, {summary['px_p95']:.3f} | {rms(glints):.3f}"
    return f"| {name} | {fps:.0f} | {p50:.2f}, {p99:.2f} | {used:.2f} | {accuracy} |"


def rms(glints: Glints) -> float:
    quality = RecordingQuality("", [str(k) for k in range(glints.points.shape[1])], FPS)
    quality.add(glints)
    return float(np.median([row["rms_s2s_px"] for row in quality.rows() if row["rms_s2s_px"] is not None]))


def compare(full: Glints, followed: Glints) -> None:
    both = full.present & followed.present
    apart = np.linalg.norm(full.points - followed.points, axis=-1)[both]
    print(f"following against full looks, px where both find: median {np.median(apart):.3f}, p95", end=" ")
    print(f"{np.quantile(apart, 0.95):.3f}; only full {int((full.present & ~followed.present).sum())}", end=", ")
    print(f"only following {int((followed.present & ~full.present).sum())}")


def peers(frames: np.ndarray, truth: np.ndarray) -> None:
    """Classical detectors on 128 x 128 px around the true layout: time per crop alone."""
    visible = truth[np.isfinite(truth).any(axis=(1, 2))]
    frames = frames[np.isfinite(truth).any(axis=(1, 2))]
    centres = np.nanmean(visible, axis=1).round().astype(int)
    low = np.clip(centres - 64, 0, (SIZE[1] - 128, SIZE[0] - 128))
    crops = [frame[y : y + 128, x : x + 128] for frame, (x, y) in zip(frames[:300], low, strict=False)]
    detectors = {"DoG": difference_of_gaussians(1.5, 15.0), "SimpleBlobDetector": simple_blob_detector(20, 3, 200, 0.5)}
    for name, detect in detectors.items():
        used = time.process_time()
        for crop in crops:
            detect(crop, 8)
        print(f"{name} on the same crops: {1e3 * (time.process_time() - used) / len(crops):.2f} ms CPU")


if __name__ == "__main__":
    main()
