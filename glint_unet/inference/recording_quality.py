"""Data quality of a recording over time, as eye-tracking reports state it: precision, data loss, velocity, swaps.

RMS-S2S is the root mean square of the distances between successive samples (Holmqvist et al., "Eye tracking: empirical
foundations for a minimal reporting guideline", Behavior Research Methods 2023). It is computed in windows of 0.2 s
without a gap, and the median over the windows is reported, which saccades hardly change. Memory is a few numbers per
window.
"""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.files import write_bytes
from glint_unet.inference.predictor import Glints

_WINDOW_S = 0.2
_WINDOW_FRAMES = 50  # where the frame rate is not known
_LEAST_FRAMES = 5
_SWAP_RATIO = 0.5

COLUMNS = (
    "source",
    "led",
    "frames",
    "found",
    "gaps",
    "longest_gap_frames",
    "rms_s2s_px",
    "speed_median_px_per_s",
    "speed_peak_px_per_s",
    "rms_s2s_deg",
    "speed_median_deg_per_s",
    "speed_peak_deg_per_s",
    "swaps",
)


class RecordingQuality:
    """Collects the frames of one recording in their order.

    Args:
        source: name of the recording.
        labels: names of the LEDs.
        fps: frames per second; None: unknown, and no speeds are reported.
        px_per_deg: pixels that a glint moves per degree of gaze; None: unknown, and nothing is reported in degrees.
    """

    def __init__(
        self, source: str, labels: Sequence[str], fps: float | None = None, px_per_deg: float | None = None
    ) -> None:
        C = len(labels)
        self._source, self._labels, self._fps, self._px_per_deg = source, labels, fps, px_per_deg
        self._window = max(_LEAST_FRAMES, round(_WINDOW_S * fps) if fps else _WINDOW_FRAMES)
        self._last = np.full((C, 2), np.nan)
        self._num_frames, self._num_swaps = 0, 0
        self._found, self._gaps = np.zeros(C, int), np.zeros(C, int)
        self._since_seen, self._longest = np.full(C, -1), np.zeros(C, int)  # -1: not seen yet
        self._steps: list[NDArray[np.float64]] = []
        self._rms: list[NDArray[np.float64]] = []
        self._speeds: list[NDArray[np.float64]] = []
        self._peaks = np.zeros(C)

    def add(self, glints: Glints) -> None:
        """Adds the next frames."""
        for points, present in zip(glints.points, glints.present, strict=True):
            self._add(np.where(present[:, None], points.astype(np.float64), np.nan), present)

    def _add(self, points: NDArray[np.float64], present: NDArray[np.bool_]) -> None:
        self._num_frames += 1
        self._found += present
        ended = present & (self._since_seen > 0)
        self._gaps += ended
        self._longest = np.where(ended, np.maximum(self._longest, self._since_seen), self._longest)
        self._since_seen = np.where(present, 0, np.where(self._since_seen >= 0, self._since_seen + 1, -1))
        step = np.linalg.norm(points - self._last, axis=-1)
        self._peaks = np.fmax(self._peaks, step)
        self._num_swaps += _is_swapped(self._last, points)
        self._last = points
        self._steps.append(step)
        if len(self._steps) == self._window:
            steps = np.stack(self._steps)  # NaN beside a gap, and so are the figures of the window
            self._rms.append(np.sqrt((steps**2).mean(axis=0)))
            self._speeds.append(np.median(steps, axis=0))
            self._steps = []

    def rows(self) -> list[dict[str, Any]]:
        """One row per LED, keys `COLUMNS`; None where undefined. Gaps at the beginning and the end do not count."""
        rows = []
        for k, label in enumerate(self._labels):
            rms, speed = (_median([float(values[k]) for values in each]) for each in (self._rms, self._speeds))
            peak = float(self._peaks[k]) if self._found[k] > 1 else None
            px = (rms, *(None if value is None or not self._fps else value * self._fps for value in (speed, peak)))
            deg = (None if value is None or not self._px_per_deg else value / self._px_per_deg for value in px)
            counts = self._num_frames, int(self._found[k]), int(self._gaps[k]), int(self._longest[k])
            rows.append(dict(zip(COLUMNS, (self._source, label, *counts, *px, *deg, self._num_swaps), strict=True)))
        return rows


def write_quality(path: Path, recordings: Sequence[RecordingQuality]) -> None:
    """Writes the rows of recordings as a CSV file, atomically."""
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for recording in recordings:
        for row in recording.rows():
            writer.writerow(
                {name: round(value, 4) if isinstance(value, float) else value for name, value in row.items()}
            )
    write_bytes(path, table.getvalue().encode(errors="backslashreplace"))


def _median(values: list[float]) -> float | None:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else None


def _is_swapped(before: NDArray[np.float64], after: NDArray[np.float64]) -> bool:
    """Whether, apart from the motion common to all LEDs, some glint lies where that of another LED was.

    Args:
        before, after: (C, 2) of two successive frames; NaN where absent.
    """
    both = np.isfinite(before).all(axis=-1) & np.isfinite(after).all(axis=-1)
    if both.sum() < 2:
        return False
    motion = np.median((after - before)[both], axis=0)
    apart = np.linalg.norm((after[both] - motion)[:, None] - before[both][None], axis=-1)
    own = np.diag(apart).copy()
    np.fill_diagonal(apart, np.inf)
    return bool((apart.min(axis=1) < _SWAP_RATIO * own).any())
