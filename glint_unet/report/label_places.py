"""Places labels beside points so that they cover neither each other nor the points."""

import numpy as np
from numpy.typing import NDArray

_DISTANCE = 1.6  # of a label's centre from its point, in units of the label's half diagonal
_MOST_STEPS = 200


def place_labels(
    points: NDArray[np.float64], size: tuple[float, float], label: tuple[float, float]
) -> NDArray[np.float64]:
    """The centre of each label: outwards from the middle of all points, then pushed apart.

    Args:
        points: (n, 2), (x, y).
        size: (width, height) of the picture, which labels stay inside of.
        label: (width, height) of a label.

    Returns:
        (n, 2). In a crowd, or at the border, a label may still overlap another one.
    """
    half = np.array(label) / 2
    outwards = points - points.mean(axis=0) if len(points) > 1 else np.array(size) / 2 - points
    length = np.linalg.norm(outwards, axis=1, keepdims=True)
    outwards = np.where(length > 1e-6, outwards / np.maximum(length, 1e-6), np.array([0.8, -0.6]))
    places = points + outwards * _DISTANCE * np.linalg.norm(half)
    highest = np.maximum(np.array(size) - half, half)
    for _ in range(_MOST_STEPS):
        push = _push(places, places, 2 * half) + _push(places, points, 1.3 * half)
        moved = (places + push).clip(half, highest)
        if np.abs(moved - places).max(initial=0.0) < 0.05:
            break
        places = moved
    return places.clip(half, highest)


def _push(places: NDArray[np.float64], others: NDArray[np.float64], room: NDArray[np.float64]) -> NDArray[np.float64]:
    """The step (n, 2) that moves each place half out of every box of half size `room` around the others."""
    apart = places[:, None] - others[None]  # (n, m, 2)
    overlap = room - np.abs(apart)
    if others is places:
        overlap[np.arange(len(places)), np.arange(len(places))] = 0
    overlap = np.where((overlap > 0).all(axis=-1, keepdims=True), overlap, 0)
    along = overlap / room
    shorter = along == along.min(axis=-1, keepdims=True)
    away = np.where(apart >= 0, 1.0, -1.0)
    return np.asarray((away * overlap * shorter / 2).sum(axis=1))
