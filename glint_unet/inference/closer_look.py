"""A second, closer look at images that hold more pixels than the network sees.

A network of 128 px sees a frame of 640x400 at a fifth of its size: glints that the sensor resolves become single dim
pixels. Once the constellation has found the layout, the part of the frame around it is given to the network again, as
large as the layout is in a close-up, but never larger than the sensor recorded it.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.images import part_of_image

_LAYOUT_SHARE = 0.2  # of the input's shorter side: root mean square distance of the LEDs from their centre
_LEAST_GAIN = 1.3
_LEAST_FOUND = 2


class Window(NamedTuple):
    """A part of an image, in its pixels; it may reach beyond the borders."""

    left: int
    top: int
    width: int
    height: int

    def cut_from(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """The part (height, width) of an image (H, W); beyond the borders, their pixels are repeated."""
        return part_of_image(image, *self)


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
        closer = min(_LAYOUT_SHARE * min(input_size) / max(float(size), 1e-6), 1.0)
        if found < _LEAST_FOUND or not np.isfinite(size) or closer < _LEAST_GAIN * scale:
            continue
        height, width = (round(side / closer) for side in input_size)
        left, top = np.round(centre - (width / 2, height / 2)).astype(int)
        windows[row] = Window(int(left), int(top), width, height)
    return windows
