"""Affine images of a layout, and the peaks of images that they are compared with: what `assignment.py` works on.

Numpy alone is needed. Legend: B images, M peaks, C LEDs, K fits.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.model.constellation import Complex, Constellation

Floats = NDArray[np.float32]

FAR = -1e9
"""Log-probability of what is impossible."""

_LEAST_SCORE, _IDENTITY_FLOOR = 0.01, 0.05
_IDENTITY_WEIGHT = 0.7
_FLOOR_PX = 0.3
_TURN_SHARE = 0.6  # standard deviation of the turn, as a share of its limit


class Fits(NamedTuple):
    """Affine images of the layout: t, z, v (B, K); see `constellation.py`."""

    t: Complex
    z: Complex
    v: Complex

    def at(self, index: NDArray[np.int64]) -> "Fits":
        """Those of each image at its indices (B, k)."""
        return Fits(*(pick(part, index) for part in self))

    def places(self, constellation: Constellation) -> Complex:
        """(B, K, C) where the LEDs are."""
        t, z, v = (part[..., None] for part in self)
        places: Complex = t + z * constellation.positions + v * constellation.mirrored
        return places

    @property
    def size2(self) -> Floats:
        """(B, K): the size of the layout squared, in pixels squared."""
        size2: Floats = self.z.real**2 + self.z.imag**2
        return size2

    def variance(self, spread: float) -> Floats:
        """Of a glint's distance from its place along x and along y, in pixels squared: (B, K)."""
        return np.float32(spread**2) * self.size2 + np.float32(_FLOOR_PX**2)

    def turn_penalty(self, constellation: Constellation) -> Floats:
        """(B, K): what the turn of the layout takes from its log-probability."""
        return turn_penalty(slope(self.z), constellation)


class Peaks(NamedTuple):
    """Peaks in the order of their heights; at (B, M), scores (B, M, C), highest (B, M), sigmas (B, M).

    `evidence` (B, M, C): log-odds that the peak is a glint, and this LED's.
    """

    at: Complex
    scores: Floats
    highest: Floats
    sigmas: Floats
    evidence: Floats

    @classmethod
    def of(cls, points: NDArray[Any], scores: NDArray[Any], sigmas: NDArray[Any]) -> "Peaks":
        """The peaks (B, M, 2) of images, with scores (B, M, C) and sigmas (B, M); at least two of them."""
        if points.shape[1] == 1:  # a second one that is none, for there to be a pair
            points, sigmas = np.repeat(points, 2, axis=1), np.repeat(sigmas, 2, axis=1)
            scores = np.concatenate([scores, np.zeros_like(scores)], axis=1)
        highest = scores.max(axis=-1)
        order = np.lexsort((points[..., 1], points[..., 0], -highest), axis=-1)
        points = pick(points, order).astype(np.float32)
        scores = pick(scores, order).astype(np.float32)
        highest = scores.max(axis=-1)
        sigmas = pick(sigmas, order).astype(np.float32)
        evidence = log_odds(highest)[..., None] + _IDENTITY_WEIGHT * log_share(scores, highest[..., None])
        at = (points[..., 0] + 1j * points[..., 1]).astype(np.complex64)
        return cls(at, scores, highest, sigmas, evidence)


def slope(z: Complex) -> Floats:
    """The tangent of the turn, either way; large where it is a right angle or more."""
    across = np.abs(z.imag)
    slope: Floats = across / np.maximum(z.real, np.float32(1e-3) * across + np.float32(1e-6))
    return slope


def turn_penalty(slopes: Floats, constellation: Constellation) -> Floats:
    """What a turn by these tangents takes from the log-probability of a fit."""
    sd = math.tan(math.radians(constellation.turn_deg * _TURN_SHARE))
    penalty: Floats = 0.5 * (slopes / sd) ** 2
    return penalty


def log_odds(scores: Floats) -> Floats:
    """Log-odds of scores that are neither quite sure nor quite impossible."""
    shares = clipped(scores, _LEAST_SCORE, 1 - _LEAST_SCORE)
    odds: Floats = np.log(shares / (1 - shares))
    return odds


def clipped(values: Floats, low: float, high: float) -> Floats:
    """As `np.clip`, which takes five times as long for a few values."""
    within: Floats = np.minimum(np.maximum(values, low), high)
    return within


def log_share(own: Floats, highest: Floats) -> Floats:
    """How much less than the highest score of a peak a LED's own is: 0 where it is the highest."""
    share: Floats = np.log((own + _IDENTITY_FLOOR) / (highest + _IDENTITY_FLOOR))
    return share


def pick(values: NDArray[Any], index: NDArray[np.int64]) -> NDArray[Any]:
    """Of each image's values (B, n, ...), those at its indices (B, ...): `take_along_axis` takes five times as long."""
    if len(values) == 1:  # as with a camera
        return np.asarray(values[0][index[0]])[None]
    picked: NDArray[Any] = values[np.arange(len(values)).reshape(-1, *[1] * (index.ndim - 1)), index]
    return picked
