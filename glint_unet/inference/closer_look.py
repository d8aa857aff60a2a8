"""A second, closer look at images that hold more pixels than the network sees.

A network of 128 px sees a frame of 640x400 at a fifth of its size: glints that the sensor resolves become single dim
pixels. Once the constellation has found the layout, the part of the frame around it is given to the network again, as
large as the layout is in a close-up, but never larger than the sensor recorded it. Without a constellation, the glints
of a class-free network that lie together take the place of the layout.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.images import part_of_image

_LAYOUT_SHARE = 0.2  # of the input's shorter side: root mean square distance of the LEDs from their centre
_LEAST_GAIN = 1.3
_LEAST_FOUND = 2
_APART = 3.0  # unnamed glints further from their middle than this many median distances are elsewhere
_FIRST_CELL_PX = 1.5  # of the network input: what lies within it may be a single glint or a small layout


class Window(NamedTuple):
    """A part of an image, in its pixels; it may reach beyond the borders."""

    left: int
    top: int
    width: int
    height: int

    def cut_from(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part (height, width) of an image (H, W); beyond the borders, their pixels are repeated."""
        return part_of_image(image, *self)

    def holds(self, points: NDArray[Any]) -> NDArray[np.bool_]:
        """(...) bool: which of the points (..., 2) of the image lie in the part."""
        least = np.array((self.left, self.top))
        greatest = least + np.array((self.width - 1, self.height - 1))
        inside: NDArray[np.bool_] = np.all((points >= least) & (points <= greatest), axis=-1)
        return inside


def closer_windows(
    points: NDArray[Any], present: NDArray[Any], input_size: tuple[int, int], scale: float
) -> dict[int, Window]:
    """Where to look again: a window for each row of the batch that allows a closer look.

    Args:
        points: (B, C, 2) the whole layout in pixels of the image, absent LEDs included, as the constellation places it.
        present: (B, C) bool.
        input_size: (H, W) of the network input.
        scale: pixels of the network input per pixel of the image, in the first look.
    """
    centres = points.mean(axis=1)
    sizes = np.sqrt(((points - centres[:, None]) ** 2).sum(axis=-1).mean(axis=1))
    windows = {}
    for row, (centre, size, found) in enumerate(zip(centres, sizes, present.sum(axis=1), strict=True)):
        if found >= _LEAST_FOUND and np.isfinite(size):
            windows[row] = _window_around(centre, float(size), input_size, scale)
    return {row: window for row, window in windows.items() if window}


def closer_windows_of_unnamed(
    points: NDArray[Any], weights: NDArray[Any], input_size: tuple[int, int], scale: float
) -> dict[int, Window]:
    """Where to look again for glints whose LEDs are unknown: around most of them.

    Args:
        points: (B, C, 2) in pixels of the image.
        weights: (B, C), the glints' scores; 0 for those that do not count.
        input_size, scale: see `closer_windows`.
    """
    windows = {}
    for row, (at, weight) in enumerate(zip(points, weights, strict=True)):
        at, weight = at[weight > 0], weight[weight > 0]
        if not len(at):
            continue
        middle = np.array([_weighted_median(at[:, axis], weight) for axis in (0, 1)])
        distances = np.linalg.norm(at - middle, axis=-1)
        together = at[distances <= _APART * max(float(np.median(distances)), 1 / scale)]
        size = max(float(np.sqrt(together.var(axis=0).sum())), _FIRST_CELL_PX / scale)
        windows[row] = _window_around(together.mean(axis=0), size, input_size, scale)
    return {row: window for row, window in windows.items() if window}


def highest(*glints: tuple[NDArray[Any], NDArray[Any], NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    """As many unnamed glints as the first of these sets (points, scores, sigmas) has: the highest of all, in order."""
    points, scores, sigmas = (np.concatenate(parts) for parts in zip(*glints, strict=True))
    chosen = np.argsort(-scores, kind="stable")[: len(glints[0][1])]
    return points[chosen], scores[chosen], sigmas[chosen]


def _window_around(centre: NDArray[Any], size: float, input_size: tuple[int, int], scale: float) -> Window | None:
    """The window in which a layout of this size fills its share of the input; None if that is hardly any closer."""
    closer = min(_LAYOUT_SHARE * min(input_size) / max(size, 1e-6), 1.0)
    if closer < _LEAST_GAIN * scale:
        return None
    height, width = (round(side / closer) for side in input_size)
    left, top = np.round(centre - (width / 2, height / 2)).astype(int)
    return Window(int(left), int(top), width, height)


def _weighted_median(values: NDArray[Any], weights: NDArray[Any]) -> float:
    order = np.argsort(values)
    shares = (np.cumsum(weights[order]) - weights[order] / 2) / weights.sum()
    return float(np.interp(0.5, shares, values[order]))
