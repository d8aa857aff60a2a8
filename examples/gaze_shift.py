"""Follows the gaze by the glints alone, without the pupil, on a synthetic recording whose gaze is known.

    python examples/gaze_shift.py [--frames 300] [--fps 15] [--seed 1] [--run RUN]

The pretrained detector finds the LEDs of every frame by their layout. The shift of each LED from its own median place
is averaged over the LEDs that are seen, so that a hidden one does not make the mean jump. A linear map from shift to
gaze is fitted to the first half of the frames, as in a calibration, and evaluated on the others. The head is at rest:
a moving headset shifts the glints too, which is why trackers subtract the pupil.

Expected: about 10 s on one CPU core; glints in 97% of the frames; median error 0.1 degrees for a gaze that is typically
12 degrees from its mean. The drawn glints move linearly with the gaze; those of real eyes do so only approximately.
"""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glint_unet import GlintDetector
from glint_unet.data.synthetic.eye_movements import eye_movements, render_recording
from glint_unet.data.synthetic.rig import Rig

RIG_FILE = Path(__file__).with_name("rig.toml")
DEGREES_PER_GAZE = 30.0  # of eye_movements: gaze 1 looks at the corner of the eye


def shift_of_glints(points: NDArray[np.float32]) -> NDArray[np.float64]:
    """(N, 2): mean shift of the glints of each frame in pixels; NaN in frames without glints.

    Args:
        points: (N, C, 2), (x, y) in pixels; NaN where absent.
    """
    seen = np.isfinite(points[..., 0]).any(axis=0)
    shifts = points[:, seen] - np.nanmedian(points[:, seen], axis=0)
    counts = np.isfinite(shifts[..., 0]).sum(axis=1)
    sums = np.nansum(shifts, axis=1)
    return np.where(counts[:, None] > 0, sums / np.maximum(counts, 1)[:, None], np.nan)


def main() -> None:
    """Prints how well the shift of the glints tells the gaze."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--fps", type=float, default=15.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--run", default="pretrained", help="run directory or model file")
    options = parser.parse_args()
    rig = dataclasses.replace(Rig.read(RIG_FILE), level="easy")
    detector = GlintDetector.load(options.run, rig=RIG_FILE)
    frames = render_recording(rig, options.seed, options.frames, options.fps)
    points = np.concatenate([detector(image).points for image, _ in frames])
    poses = eye_movements(options.seed, options.frames, options.fps)
    gaze_deg = np.array([pose.gaze for pose in poses]) * DEGREES_PER_GAZE

    shifts = shift_of_glints(points)
    usable = np.isfinite(shifts[:, 0])
    inputs = np.column_stack([shifts, np.ones(len(shifts))])
    half = np.arange(len(shifts)) < len(shifts) // 2
    linear, *_ = np.linalg.lstsq(inputs[usable & half], gaze_deg[usable & half], rcond=None)
    judged = usable & ~half
    errors_deg = np.linalg.norm(inputs[judged] @ linear - gaze_deg[judged], axis=1)
    spread_deg = np.linalg.norm(gaze_deg[judged] - gaze_deg[judged].mean(axis=0), axis=1)
    print(f"frames with glints: {usable.sum()} of {len(shifts)}")
    print(f"error of the gaze: median {np.median(errors_deg):.2f}, 95% {np.quantile(errors_deg, 0.95):.2f} degrees")
    print(f"distance of the gaze from its mean: median {np.median(spread_deg):.2f} degrees")


if __name__ == "__main__":
    main()
