"""Unnamed glints: what a class-free network finds where no constellation says which LED each peak is.

Legend: B images, M peaks, C LEDs.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.model.assignment import Assignment, assign
from glint_unet.model.constellation import Constellation

UNNAMED_PREFIX = "glint"
"""Of the names of glints whose LED is unknown: glint1 is the highest peak of an image."""

_SAME_WITHIN_PX = 5.0

Floats = NDArray[np.float32]


def highest_peaks(points: NDArray[Any], scores: NDArray[Any], sigmas: NDArray[Any], num: int) -> Assignment:
    """The highest peaks of class-free heatmaps.

    Args:
        points: (B, M, 2), (x, y) in pixels.
        scores: (B, M, 1), 0..1.
        sigmas: (B, M), standard deviations in pixels.
        num: C, the number of glints to return: as many as there are LEDs.

    Returns:
        The C peaks of the highest scores, the highest first; where there are fewer peaks, glints of score 0 at the
        position of the last one.
    """
    order = np.argsort(-scores[..., 0], axis=1, kind="stable")
    chosen = order[:, np.minimum(np.arange(num), points.shape[1] - 1)]
    heights = np.take_along_axis(scores[..., 0], chosen, axis=1)
    parts = (
        np.take_along_axis(points, chosen[..., None], axis=1),
        np.where(np.arange(num) < points.shape[1], heights, 0),
        np.take_along_axis(sigmas, chosen, axis=1),
    )
    return Assignment(*(part.astype(np.float32) for part in parts))


def name_peaks(
    points: NDArray[Any],
    scores: NDArray[Any],
    sigmas: NDArray[Any],
    num: int,
    constellation: Constellation | None,
    near: NDArray[Any] | None = None,
) -> Assignment:
    """The C glints of images: named by the constellation, or, without one, the highest peaks of a class-free network.

    Arguments are those of `assign` and `highest_peaks`.
    """
    if constellation:
        return assign(points, scores, sigmas, constellation, near)
    return highest_peaks(points, scores, sigmas, num)


def in_order_of_truth(truth: NDArray[Any], points: NDArray[Any], *others: NDArray[Any]) -> tuple[NDArray[Any], ...]:
    """Puts unnamed glints in the order of the LEDs that they are, for metrics regardless of the LED.

    As in the evaluation of COCO (Lin et al., ECCV 2014), each glint, the highest first, takes the nearest true one
    within 5 px that is not yet taken. The others fill what is left.

    Args:
        truth: (B, C, 2), (x, y) in pixels; NaN where absent.
        points: (B, C, 2), in the same pixels, the highest first.
        others: (B, C, ...), what belongs to the points.

    Returns:
        `points` and `others`, rearranged.
    """
    B, C, _ = points.shape
    distances = np.linalg.norm(points[:, :, None] - truth[:, None], axis=-1)  # (B, glint, LED)
    distances = np.where(distances <= _SAME_WITHIN_PX, distances, np.inf)  # also where it is NaN
    glint_of_led, image = np.full((B, C), C), np.arange(B)
    for glint in range(C):
        nearest = distances[:, glint].argmin(axis=1)
        taken = np.isfinite(distances[image, glint, nearest])
        glint_of_led[image[taken], nearest[taken]] = glint
        distances[image[taken], :, nearest[taken]] = np.inf
    for row in glint_of_led:
        row[row == C] = np.setdiff1d(np.arange(C), row)
    return tuple(part[image[:, None], glint_of_led] for part in (points, *others))
