"""Finds the layout of a rig in the peaks of unlabelled images: points that move together.

The peaks of one image are a first guess. It is looked for in all images (`poses.py`), and their peaks, moved to the
frame of the layout, pile up where LEDs are: bright spots that do not move with the glints are spread out. The piles
are the next guess, looked for with less tolerance, and so on. The best of several guesses is refined. Nothing is
random.

Legend: N images, C LEDs.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.layout.poses import SURE, Complex, Floats, Poses, ShiftPrior, Spots, Tolerance, layout_size, place

MOST_LEDS = 32

_NUM_GUESSES, _NUM_GUESS_IMAGES = 8, 50
_LOOSE, _TIGHT = (0.14, 0.2), (0.08, 0.1)  # tolerances: spread, scale
_NARROWER = 0.8
_NUM_ROUNDS, _NUM_LAST_ROUNDS = 8, 2
_MOST_TRIED = 6  # further LEDs
_LAST = Tolerance(0.06, 0.15, squeezes=True)
_REACH, _NARROW = 0.16, 0.07  # of a pile, in units of the layout's size
_SHARES = (0.25, 0.18, 0.12, 0.05)  # of the images that show an LED: at least so many at first, and at last
LEAST_IMAGES = 4
_LEAST_SHIFT_SD = 0.5  # in units of the layout's size
_NATS_PER_GLINT = 5.0
_NATS_PER_LED, _NATS_PER_IMAGE = 10.0, 0.2  # what an LED costs: at least so much, or so much per image
_ENTROPY_WEIGHT = 0.5  # LEDs do not show independently of each other: a lid hides several


class Candidate(NamedTuple):
    """A layout in images, and how well it explains them: nats, the more the better."""

    poses: Poses
    evidence: float


def find_layout(spots: Spots, num_guesses: int = _NUM_GUESSES) -> Poses | None:
    """The layout of two or more LEDs that explains the images best; None where nothing moves together.

    Args:
        spots: the peaks of N images.
        num_guesses: images whose peaks are tried as a first guess.
    """
    rows = np.unique(np.linspace(0, len(spots.at) - 1, _NUM_GUESS_IMAGES).astype(int))
    some = spots.rows(rows)
    sure = np.where(some.weights >= SURE, some.weights, 0).sum(axis=1)
    blocks = [block for block in np.array_split(np.arange(len(rows)), num_guesses) if len(block)]
    guesses = [_settled(some, int(block[sure[block].argmax()])) for block in blocks]
    best = max((guess for guess in guesses if guess), key=lambda guess: guess.evidence, default=None)
    return None if best is None else _refined(best.poses.leds, spots).poses


def _refined(leds: Complex, spots: Spots) -> Candidate:
    """A layout (C,), in pixels, fitted to all images, with LEDs added and removed where that explains them better."""
    best = _fitted(leds, spots)
    for led in _unexplained(best.poses, spots):
        added = _fitted(np.append(best.poses.leds, led), spots)
        best = max(best, added, key=lambda one: one.evidence)
    leds, kept = best.poses.leds, np.ones(len(best.poses.leds), dtype=bool)
    for led in np.argsort(best.poses.gains.sum(axis=0)):
        others = kept & (np.arange(len(leds)) != led)
        if others.sum() >= 2 and (removed := _fitted(leds[others], spots)).evidence >= best.evidence:
            best, kept = removed, others
    return best


def _fitted(leds: Complex, spots: Spots) -> Candidate:
    """A layout (C,), in pixels, whose LEDs are moved to the mean places of their glints in all images."""
    poses = place(leds, spots, _LAST, None)
    for _ in range(_NUM_LAST_ROUNDS):
        poses = place(_centred_on_glints(poses), spots, _LAST, _shift_prior(poses, poses.num_found >= 2))
    return Candidate(poses, _evidence(poses, poses.num_found >= 2))


def _unexplained(poses: Poses, spots: Spots) -> Complex:
    """Places where LEDs may be that the layout lacks, in its frame, the likeliest first."""
    piles = _piles(poses, spots, poses.num_found >= 2, _SHARES[-1])
    away = np.abs(piles[:, None] - poses.leds).min(axis=1, initial=np.inf)
    new: Complex = piles[away > _REACH * layout_size(poses.leds)]
    return new[:_MOST_TRIED]


def _centred_on_glints(poses: Poses) -> Complex:
    """(C,) the mean places of the LEDs' glints in the frame of the layout."""
    weights = np.where(poses.found, poses.gains, 0)
    seen = weights.sum(axis=0) > 0
    means = (weights * poses.in_frame(poses.points)).sum(axis=0) / np.where(seen, weights.sum(axis=0), 1)
    return np.where(seen, means, poses.leds)


def _candidate(leds: Complex, spots: Spots, prior: ShiftPrior | None) -> Candidate:
    poses = place(leds, spots, _LAST, prior)
    return Candidate(poses, _evidence(poses, poses.num_found >= 2))


def _settled(spots: Spots, row: int) -> Candidate | None:
    """The layout that the peaks of one image become; None where it dissolves."""
    leds, prior = spots.at[row, spots.weights[row] >= SURE], None
    for k in range(_NUM_ROUNDS):
        if len(leds) < 2 or not layout_size(leds) > 0:
            return None
        spread, scale = (max(tight, loose * _NARROWER**k) for loose, tight in zip(_LOOSE, _TIGHT, strict=True))
        tolerance = Tolerance(spread, scale)
        poses = place(leds, spots, tolerance, prior)
        rows = poses.num_found >= 2
        if rows.sum() < LEAST_IMAGES:
            return None
        share = _SHARES[k * len(_SHARES) // _NUM_ROUNDS]
        prior, leds = _shift_prior(poses, rows), _piles(poses, spots, rows, share)
    return Candidate(poses, _evidence(poses, rows))


def _shift_prior(poses: Poses, rows: NDArray[np.bool_]) -> ShiftPrior:
    shifts = poses.shift[rows] if rows.any() else poses.shift
    centre = complex(np.median(shifts.real), np.median(shifts.imag))
    sd = 1.48 * float(np.median(np.abs(shifts - centre)))
    return ShiftPrior(centre, max(sd, _LEAST_SHIFT_SD * layout_size(poses.leds)))


def _evidence(poses: Poses, rows: NDArray[np.bool_]) -> float:
    """Log-likelihood of the glints that are explained, less what LEDs and poses cost.

    A layout that explains the same glints with the eye jumping about, or by more LEDs, is worse. So is one whose LEDs
    show now and then: columns with a row too many, of which each image shows all rows but the first or the last, need
    fewer jumps than the true ones, but the entropy of what shows is larger.
    """
    if not rows.any():
        return -np.inf
    shifts = poses.shift[rows] / layout_size(poses.leds)
    away2 = np.abs(shifts - np.median(shifts.real) - 1j * np.median(shifts.imag)) ** 2
    jumps = 2 * np.log(np.sqrt(np.minimum(away2, 25).mean() / 2) + 0.05) + np.log(max(poses.scale[rows].std(), 0.01))
    gained = _NATS_PER_GLINT * (poses.gains[rows].sum() - rows.sum())
    shown = np.clip(poses.found[rows].mean(axis=0), 1e-9, 1 - 1e-9)
    entropy = -(shown * np.log(shown) + (1 - shown) * np.log(1 - shown)).sum()
    per_led = max(_NATS_PER_LED, _NATS_PER_IMAGE * rows.sum())
    return float(gained - rows.sum() * (jumps + _ENTROPY_WEIGHT * entropy) - per_led * len(poses.leds))


def _piles(poses: Poses, spots: Spots, rows: NDArray[np.bool_], share: float) -> Complex:
    """(C,) places in the frame of the layout, in its pixels, where peaks of this share of the images pile up."""
    size, weights = layout_size(poses.leds), spots.weights[rows]
    at = poses.in_frame(spots.at)[rows] / size
    image, counts = np.broadcast_to(np.arange(len(at))[:, None], at.shape), weights > 0
    at, weights, image = at[counts], weights[counts], image[counts]
    near = np.exp(-(np.abs(at[:, None] - at) ** 2) / (2 * _NARROW**2)) * weights
    least, is_free = max(LEAST_IMAGES, share * rows.sum()), np.ones(len(at), dtype=bool)
    centres: list[complex] = []
    while is_free.any() and len(centres) < MOST_LEDS:
        heights = np.where(is_free, near @ is_free, -1)
        top = int(heights.argmax())
        members = is_free & (np.abs(at - at[top]) < _REACH)
        is_free &= ~members
        if heights[top] < SURE * least:
            break
        if len(np.unique(image[members])) >= least:
            centres.append(_middle(at[members], weights[members]))
    piles: Complex = np.array(centres, dtype=np.complex128) * size
    return piles


def _middle(at: Complex, weights: Floats) -> complex:
    """The weighted mean of points, without those that are far from their median."""
    median = complex(np.median(at.real), np.median(at.imag))
    away = np.abs(at - median)
    near = away <= 3 * np.median(away) + 1e-9
    return complex((weights * at)[near].sum() / weights[near].sum())
