"""Moves a point that was placed by hand to the centre of the bright spot it was meant for."""

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.images import part_of_image

_REACH = 4  # pixels in which the spot is looked for
_LEAST_CONTRAST = 20.0


def snapped(image: NDArray[np.uint8], x: float, y: float) -> tuple[float, float]:
    """The intensity centroid of the brightest spot within 4 px of a point; the point itself where nothing shines.

    Args:
        image: (H, W) uint8.
        x, y: the point, in pixels of the image.
    """
    left, top = round(x) - _REACH, round(y) - _REACH
    side = 2 * _REACH + 1
    window = part_of_image(image, left, top, side, side).astype(np.float64)
    ground = float(np.median(window))
    if window.max() - ground < _LEAST_CONTRAST:
        return x, y
    row, column = np.unravel_index(int(window.argmax()), window.shape)
    around = part_of_image(image, left + int(column) - _REACH, top + int(row) - _REACH, side, side).astype(np.float64)
    above_half = around - (ground + around[_REACH, _REACH]) / 2
    weights = np.where(_connected(above_half > 0), above_half, 0)
    rows, columns = np.mgrid[:side, :side] - _REACH
    total = weights.sum()
    return (
        left + int(column) + float((weights * columns).sum() / total),
        top + int(row) + float((weights * rows).sum() / total),
    )


def _connected(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The part of a mask that is connected with its centre."""
    part = np.zeros_like(mask)
    part[_REACH, _REACH] = True
    for _ in range(mask.size):
        grown = np.pad(part, 1)
        grown = (grown[1:-1, 1:-1] | grown[:-2, 1:-1] | grown[2:, 1:-1] | grown[1:-1, :-2] | grown[1:-1, 2:]) & mask
        if (grown == part).all():
            break
        part = grown
    return part
