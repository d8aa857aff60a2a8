"""What is suspicious about labels, and which images to look at first.

Legend: N images, C LEDs.
"""

from enum import IntFlag

import numpy as np
from numpy.typing import NDArray

from glint_unet.messages import text
from glint_unet.model.constellation import Constellation, as_complex, solve_affine

_BORDER_PX = 1.5
_SAME_SPOT_PX = 2.0
_LEAST_LEFT_OUT = 4
_LEAST_AWAY, _TIMES_USUAL = 0.15, 6.0  # of a label from where the others say it is, in sizes of the layout
_WIDEST_SPREAD = 0.1
_MOST_LEARNT_FROM = 4000  # images, evenly spaced
_PRIOR_WEIGHT = 0.5  # of the squeeze, against the distances of the labels


class Suspicion(IntFlag):
    """Why a label, or an image without labels, is suspicious."""

    EMPTY = 1
    BORDER = 2
    AWAY = 4
    MODEL = 8
    LAYOUT = 16
    SAME_SPOT = 32


_WEIGHTS = {
    Suspicion.EMPTY: 1,
    Suspicion.BORDER: 2,
    Suspicion.AWAY: 4,
    Suspicion.MODEL: 6,
    Suspicion.LAYOUT: 8,
    Suspicion.SAME_SPOT: 10,
}

Marks = NDArray[np.uint8]


def suspicion_name(reason: Suspicion) -> str:
    """A suspicion in words."""
    names = {
        Suspicion.EMPTY: text("suspicion_empty"),
        Suspicion.BORDER: text("suspicion_border"),
        Suspicion.AWAY: text("suspicion_away"),
        Suspicion.MODEL: text("suspicion_model"),
        Suspicion.LAYOUT: text("suspicion_layout"),
        Suspicion.SAME_SPOT: text("suspicion_same_spot"),
    }
    return names[reason]


def suspicions_of_labels(keypoints: NDArray[np.float32], image_size: tuple[int, int]) -> Marks:
    """What the labels alone say.

    Args:
        keypoints: (N, C, 2), (x, y) in image pixels; NaN where absent.
        image_size: (H, W).

    Returns:
        (N, C) uint8, flags of `Suspicion`: EMPTY (of all LEDs of an image), BORDER, SAME_SPOT and LAYOUT.
    """
    is_present: NDArray[np.bool_] = np.asarray(np.isfinite(keypoints).all(axis=-1))
    H, W = image_size
    with np.errstate(invalid="ignore"):
        near_border = ((keypoints < _BORDER_PX) | (keypoints > np.array([W - 1, H - 1]) - _BORDER_PX)).any(axis=-1)
    marks = np.zeros(is_present.shape, np.uint8)
    marks[~is_present.any(axis=1)] |= np.uint8(Suspicion.EMPTY)
    marks[near_border & is_present] |= np.uint8(Suspicion.BORDER)
    marks[_shares_its_spot(keypoints)] |= np.uint8(Suspicion.SAME_SPOT)
    marks[contradicts_layout(keypoints)] |= np.uint8(Suspicion.LAYOUT)
    return marks


def _shares_its_spot(keypoints: NDArray[np.float32]) -> NDArray[np.bool_]:
    shares = np.zeros(keypoints.shape[:2], np.bool_)
    C = keypoints.shape[1]
    for first in range(C):
        for second in range(first + 1, C):
            together = np.hypot(*(keypoints[:, first] - keypoints[:, second]).T) < _SAME_SPOT_PX  # NaN: not
            shares[together, first] = shares[together, second] = True
    return shares


def contradicts_layout(keypoints: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which labels lie far from where the other labels of their image say that they must be.

    The layout is that which most images of the data set show; each label is predicted by an affine image of it that is
    fitted to the other labels. Where there is no common layout, or fewer than four labels are present, nothing is said.

    Args:
        keypoints: (N, C, 2), (x, y) in image pixels; NaN where absent.

    Returns:
        (N, C) bool.
    """
    nothing = np.zeros(keypoints.shape[:2], np.bool_)
    every = -(-len(keypoints) // _MOST_LEARNT_FROM)
    constellation = Constellation.from_keypoints(keypoints[::every])
    if constellation is None:
        return nothing
    away = distances_from_others(keypoints, constellation)
    known = np.isfinite(away)
    if not known.any():
        return nothing
    limit = max(_LEAST_AWAY, _TIMES_USUAL * min(float(np.median(away[known])), _WIDEST_SPREAD))
    contradicts: NDArray[np.bool_] = known & (away > limit)
    return contradicts


def distances_from_others(keypoints: NDArray[np.float32], constellation: Constellation) -> NDArray[np.float64]:
    """How far each label lies from where the other labels of its image predict it.

    Args:
        keypoints: (N, C, 2); NaN where absent.
        constellation: the layout of the C LEDs.

    Returns:
        (N, C) float64 in sizes of the layout (root mean square distance from its centre); NaN where the glint is absent
        or fewer than four are present.
    """
    points = as_complex(keypoints.astype(np.float64))
    is_present = np.isfinite(points)
    layout = constellation.positions.astype(np.complex128)
    away = np.full(points.shape, np.nan)
    enough = is_present.sum(axis=1) >= _LEAST_LEFT_OUT
    for channel in range(points.shape[1]):
        rows = np.flatnonzero(enough & is_present[:, channel])
        used = is_present[rows].copy()
        used[:, channel] = False
        count = used.sum(axis=1, keepdims=True)
        centre_q = np.where(used, layout, 0).sum(axis=1, keepdims=True) / count
        centre_p = np.where(used, points[rows], 0).sum(axis=1, keepdims=True) / count
        q, p = np.where(used, layout - centre_q, 0), np.where(used, points[rows] - centre_p, 0)
        z, v = (part[:, 0] for part in solve_affine(q, p, _PRIOR_WEIGHT))
        own = layout[channel] - centre_q[:, 0]
        expected = centre_p[:, 0] + z * own + v * own.conj()
        away[rows, channel] = np.abs(points[rows, channel] - expected) / np.maximum(np.abs(z), 1e-6)
    return away


def scores_of_images(marks: Marks) -> NDArray[np.int64]:
    """(N,) how suspicious each image is: each kind of suspicion counts by its weight, and again for each further LED.

    Args:
        marks: (N, C) flags.
    """
    scores = np.zeros(len(marks), np.int64)
    for reason, weight in _WEIGHTS.items():
        num = ((marks & reason) > 0).sum(axis=1)
        scores += 100 * weight * (num > 0) + np.where(reason == Suspicion.EMPTY, 0, num)
    return scores
