"""The part of a frame that the network sees while it follows an eye."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.images import Placement
from glint_unet.inference.closer_look import Window

_CELL_PX = 32  # the sides of a region are multiples of this, to which networks pad


class Region(NamedTuple):
    """A window of an image, and the size (h, w) at which the network sees it."""

    window: Window
    size: tuple[int, int]

    @classmethod
    def over(cls, points: NDArray[Any], scale: NDArray[Any], margin_px: float) -> "Region":
        """The smallest region around points (n, 2) of an image.

        Args:
            points: (x, y) in pixels of the image.
            scale: (2,) pixels of the network input per pixel of the image, along x and along y.
            margin_px: at least this many pixels of the network input lie between the points and the border.
        """
        extent = np.ptp(points, axis=0) * scale + 2 * margin_px
        width, height = (int(side) for side in np.ceil(extent / _CELL_PX) * _CELL_PX)
        window = Window(0, 0, max(1, round(width / scale[0])), max(1, round(height / scale[1])))
        return cls(window, (height, width)).around(middle(points))

    @property
    def placement(self) -> Placement:
        """From pixels of the window to those of the network input."""
        return Placement.of((self.window.height, self.window.width), self.size, stretch=True)

    def around(self, centre: NDArray[Any]) -> "Region":
        """The region moved to a centre (x, y)."""
        left, top = np.round(centre - (np.array(self.window[2:]) - 1) / 2).astype(int)
        return self._replace(window=self.window._replace(left=int(left), top=int(top)))

    def holds(self, points: NDArray[Any], margin_px: float) -> bool:
        """Whether all points (n, 2) lie inside, at least `margin_px` of the network input away from the border."""
        inner = self.placement.forth(points - np.array(self.window[:2]))
        height, width = self.size
        return bool((inner >= margin_px).all() and (inner <= np.array((width, height)) - 1 - margin_px).all())


def middle(points: NDArray[Any]) -> NDArray[Any]:
    """(2,): the centre of the smallest upright rectangle around points (n, 2)."""
    centre: NDArray[Any] = (points.min(axis=0) + points.max(axis=0)) / 2
    return centre
