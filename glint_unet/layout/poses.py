"""Where a layout of LEDs is in images whose peaks nobody has named.

A pose is an affine image of the layout, `p = t + z q + v conj(q)` in complex numbers (`model/constellation.py`). In the
images of one recording, layouts differ mostly by a shift, and little in size, turn and squeeze: so a peak taken for an
LED at one of a few sizes is a hypothesis of the whole pose, and every other peak near a predicted place confirms it.

Legend: N images, M peaks, C LEDs, K hypotheses.
"""

import math
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.model.constellation import as_complex, solve_affine

SURE = 0.5
"""Score of a peak that is rather a glint than not."""

FOUND_FROM = 0.3
"""Least gain of an LED that counts as found."""

_LEAST_SCORE = 0.25
_SCALES = np.exp(np.linspace(-0.3, 0.3, 5))
_NUM_FIRST = 8  # peaks, the highest ones, that make hypotheses
_PRIOR_WEIGHT = 0.2  # of log-probabilities of poses, in units of the gain of an LED
_MOST_AWAY = 3.0  # standard deviations of the shift; beyond them nothing gets less likely
_COARSE = 0.07  # spread of the first fit: the size is one of a few, and there is no squeeze yet
_NUM_FITS = 3
_SQUEEZE = 0.06

Complex = NDArray[np.complex128]
Floats = NDArray[np.float64]


class Spots(NamedTuple):
    """Peaks of images that look like glints, whichever LED each of them is.

    Attributes:
        at: (N, M) complex, x + iy in image pixels.
        weights: (N, M) 0..1, scores; 0 where a peak does not count.
    """

    at: Complex
    weights: Floats

    @classmethod
    def of(cls, points: NDArray[Any], scores: NDArray[Any]) -> "Spots":
        """From points (N, M, 2), (x, y) in pixels, and scores (N, M), 0..1."""
        return cls(as_complex(np.asarray(points, float)), np.where(scores >= _LEAST_SCORE, scores, 0.0).astype(float))

    def rows(self, rows: Any) -> "Spots":
        """Those of some of the images."""
        return Spots(self.at[rows], self.weights[rows])

    @property
    def num_sure(self) -> NDArray[np.int64]:
        """(N,) how many peaks are rather glints than not."""
        num: NDArray[np.int64] = (self.weights >= SURE).sum(axis=1)
        return num


class Tolerance(NamedTuple):
    """How far glints and poses may be off.

    Attributes:
        spread: standard deviation of a glint's distance from its place, in units of the layout's size.
        scale: standard deviation of the logarithm of the size.
        squeezes: whether the layout may be squeezed.
    """

    spread: float
    scale: float
    squeezes: bool = False


@dataclass(frozen=True)
class Poses:
    """Images of a layout.

    Attributes:
        leds: (C,) complex, the layout: centred, in pixels at its usual size.
        shift, scale, squeeze: (N,) complex t, z, v; z is 1 at the usual size.
        gains: (N, C) 0..1: score of the peak that was found for an LED, less the farther it is from its place.
        points: (N, C) complex: these peaks; meaningless where nothing was found.
    """

    leds: Complex
    shift: Complex
    scale: Complex
    squeeze: Complex
    gains: Floats
    points: Complex

    @property
    def found(self) -> NDArray[np.bool_]:
        """(N, C) which LEDs were found."""
        return self.gains >= FOUND_FROM

    @property
    def num_found(self) -> NDArray[np.int64]:
        """(N,) how many LEDs were found."""
        num: NDArray[np.int64] = self.found.sum(axis=1)
        return num

    def places(self) -> Complex:
        """(N, C) where the LEDs' glints are, found or not."""
        t, z, v = self.shift[:, None], self.scale[:, None], self.squeeze[:, None]
        places: Complex = t + z * self.leds + v * self.leds.conj()
        return places

    def in_frame(self, at: NDArray[Any]) -> Complex:
        """(N, M) points of the images, moved to the frame of the layout."""
        t, z, v = self.shift[:, None], self.scale[:, None], self.squeeze[:, None]
        away = at - t
        moved: Complex = (z.conj() * away - v * away.conj()) / (np.abs(z) ** 2 - np.abs(v) ** 2)
        return moved


class ShiftPrior(NamedTuple):
    """Where the layout usually is: centre and standard deviation in pixels."""

    centre: complex
    sd_px: float

    def log_probability(self, shifts: Complex) -> Floats:
        """But for a constant; bounded, so that an eye that looks elsewhere is found too."""
        away2 = np.abs(shifts - self.centre) ** 2 / self.sd_px**2
        return np.asarray(-0.5 * np.minimum(away2, _MOST_AWAY**2))


def layout_size(leds: NDArray[Any]) -> float:
    """Root mean square distance of the LEDs from their centre."""
    return float(np.sqrt(np.mean(np.abs(leds - leds.mean()) ** 2)))


def place(leds: Complex, spots: Spots, tolerance: Tolerance, prior: ShiftPrior | None) -> Poses:
    """Looks for a layout (C,), in pixels, in each image."""
    leds = leds - leds.mean()
    num, C = len(spots.at), len(leds)
    poses = np.tile(np.array((0j, 1, 0)), (num, 1))
    gains, points = np.zeros((num, C)), np.zeros((num, C), complex)
    for n in range(num):
        counts = spots.weights[n] > 0
        if counts.any():
            at, weights = spots.at[n, counts], spots.weights[n, counts]
            poses[n], gains[n], points[n] = _place_one(leds, at, weights, tolerance, prior)
    return Poses(leds, poses[:, 0], poses[:, 1], poses[:, 2], gains, points)


def _place_one(
    leds: Complex, at: Complex, weights: Floats, tolerance: Tolerance, prior: ShiftPrior | None
) -> tuple[tuple[complex, complex, complex], Floats, Complex]:
    """(t, z, v) in one image, and gains and peaks (C,)."""
    size = layout_size(leds)
    t, z, v = (*_best_hypothesis(leds, at, weights, tolerance, prior), 0j)
    for spread in np.geomspace(max(tolerance.spread, _COARSE), tolerance.spread, _NUM_FITS):
        gains, peaks = _matched(t + z * leds + v * leds.conj(), at, weights, spread * size * abs(z))
        points, whole = at[peaks], gains.sum()
        if not whole > 0:
            break
        centre_q, centre_p = (gains * leds).sum() / whole, (gains * points).sum() / whole
        root, held = np.sqrt(gains), (tolerance.spread / tolerance.scale * size) ** 2
        q, p = root * (leds - centre_q), root * (points - centre_p)
        squeeze_weight = (tolerance.spread / _SQUEEZE * size) ** 2 if tolerance.squeezes else math.inf
        dz, v = (part.item() for part in solve_affine(q, p - q, squeeze_weight))
        z = 1 + dz * float((np.abs(q) ** 2).sum() / ((np.abs(q) ** 2).sum() + held))  # held at the usual size and turn
        t = centre_p - z * centre_q - v * centre_q.conj()
    gains, peaks = _matched(t + z * leds + v * leds.conj(), at, weights, tolerance.spread * size * abs(z))
    return (t, z, v), gains, at[peaks]


def _best_hypothesis(
    leds: Complex, at: Complex, weights: Floats, tolerance: Tolerance, prior: ShiftPrior | None
) -> tuple[complex, complex]:
    """(t, z): the size and shift, from one peak as one LED, that find most LEDs."""
    first = np.argsort(-weights, kind="stable")[:_NUM_FIRST]
    scales = np.repeat(_SCALES, len(first) * len(leds))
    shifts = (at[first, None] - _SCALES[:, None, None] * leds).ravel()
    places = shifts[:, None] + scales[:, None] * leds  # (K, C)
    away = at[:, None] - places[:, None]  # (K, M, C)
    variance = (max(tolerance.spread, _COARSE) * layout_size(leds) * scales) ** 2
    log_gains = np.log(weights)[:, None] - (away.real**2 + away.imag**2) / (2 * variance[:, None, None])
    totals = np.minimum(np.exp(log_gains.max(axis=1)).sum(axis=1), np.exp(log_gains.max(axis=2)).sum(axis=1))
    totals -= _PRIOR_WEIGHT * 0.5 * (np.log(scales) / tolerance.scale) ** 2
    if prior is not None:
        totals += _PRIOR_WEIGHT * prior.log_probability(shifts)
    best = int(totals.argmax())
    return complex(shifts[best]), complex(scales[best])


def _matched(places: Complex, at: Complex, weights: Floats, spread_px: float) -> tuple[Floats, NDArray[np.int64]]:
    """(C,) what each LED gains by its best peak, and that peak; no two LEDs share one."""
    gains = weights[:, None] * np.exp(-(np.abs(at[:, None] - places) ** 2) / (2 * spread_px**2))
    gains[gains < gains.max(axis=1, keepdims=True)] = 0
    peaks = gains.argmax(axis=0)
    return gains.max(axis=0), peaks
