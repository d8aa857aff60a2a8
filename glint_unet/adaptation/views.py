"""Views: one frame turned, shifted, scaled and lit in several ways, each as an input of the network.

Legend: V views, C glint channels, H W network input.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glint_unet.data.images import Placement, lies_inside, part_of_image, resize_image

_LARGEST_LEVEL = 255.0


@dataclass(frozen=True)
class View:
    """How a frame is shown to the network.

    Attributes:
        zoom: scale in units of the scale at which the whole frame fits the network input.
        turn_deg: rotation in degrees, clockwise as seen in the image.
        shift: (x, y), shift as a share of the sides of the network input.
        gain: factor of the grey levels.
        gamma: exponent of the grey levels, of 0..1.
    """

    zoom: float = 1.0
    turn_deg: float = 0.0
    shift: tuple[float, float] = (0.0, 0.0)
    gain: float = 1.0
    gamma: float = 1.0


@dataclass(frozen=True)
class ViewGeometry:
    """The similarity (or, for stretched inputs, affinity) between the pixels of a frame and those of a view.

    Attributes:
        scale: (x, y), view pixels per frame pixel.
        turn: (2, 2) rotation from the scaled frame to the view.
        centre: (x, y) in the scaled frame that is shown at `middle`.
        middle: (x, y) in the view.
        size: (H, W) of the view.
    """

    scale: tuple[float, float]
    turn: NDArray[np.float64]
    centre: NDArray[np.float64]
    middle: NDArray[np.float64]
    size: tuple[int, int]

    @property
    def mean_scale(self) -> float:
        """View pixels per frame pixel: the geometric mean of both axes."""
        return math.sqrt(self.scale[0] * self.scale[1])

    def back(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Transforms points (..., 2) from the view to the frame; in both, (0, 0) is the centre of the first pixel."""
        scaled = (np.asarray(points, np.float64) - self.middle) @ self.turn + self.centre
        points_in_frame: NDArray[np.float32] = ((scaled + 0.5) / np.array(self.scale) - 0.5).astype(np.float32)
        return points_in_frame

    def forth(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
        """Transforms points (..., 2) from the frame to the view: the inverse of `back`."""
        scaled = (np.asarray(points, np.float64) + 0.5) * np.array(self.scale) - 0.5
        points_in_view: NDArray[np.float32] = ((scaled - self.centre) @ self.turn.T + self.middle).astype(np.float32)
        return points_in_view

    def holds(self, points: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
        """Whether points (..., 2) in pixels of the view are inside it, (...) bool; NaN is not."""
        inside: NDArray[np.bool_] = lies_inside(points, self.size)
        return inside


def show(
    frame: NDArray[np.uint8],
    view: View,
    size: tuple[int, int],
    at: NDArray[np.floating[Any]] | None = None,
    *,
    stretch: bool = False,
) -> tuple[NDArray[np.uint8], ViewGeometry]:
    """Draws a view of a frame.

    Args:
        frame: (H', W') uint8.
        view: how it is shown.
        size: (H, W) of the network input.
        at: (2,) point of the frame, (x, y) in pixels, shown in the middle; None: the middle of the frame.
        stretch: the whole frame is stretched to the aspect of the input instead of padded.

    Returns:
        (H, W) uint8, the border of the frame continued where the view reaches beyond it; and the transformation of
        points between the two.
    """
    (old_H, old_W), (H, W) = frame.shape, size
    across, down = Placement.of((old_H, old_W), size, stretch=stretch).scale
    inner = max(1, round(old_H * down * view.zoom)), max(1, round(old_W * across * view.zoom))
    scaled = resize_image(frame, inner)
    scale = inner[1] / old_W, inner[0] / old_H
    angle = math.radians(view.turn_deg)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    in_frame = np.array([(old_W - 1) / 2, (old_H - 1) / 2]) if at is None else np.asarray(at, np.float64)
    centre = (in_frame + 0.5) * np.array(scale) - 0.5
    middle = np.array([(W - 1) / 2, (H - 1) / 2]) + np.array(view.shift) * np.array([W, H])
    geometry = ViewGeometry(scale, turn, centre, middle, size)
    return _lit(_cut_out(scaled, geometry, size), view), geometry


def _cut_out(scaled: NDArray[np.uint8], geometry: ViewGeometry, size: tuple[int, int]) -> NDArray[np.uint8]:
    """The part of the scaled frame that the view shows; the frame's border is continued."""
    (H, W), turn = size, geometry.turn
    corners = np.array([(0, 0), (W - 1, 0), (0, H - 1), (W - 1, H - 1)], np.float64)
    seen = (corners - geometry.middle) @ turn + geometry.centre
    low = np.floor(seen.min(axis=0)).astype(int) - 1
    high = np.ceil(seen.max(axis=0)).astype(int) + 2
    part = part_of_image(scaled, *low.tolist(), *(high - low).tolist())
    start = geometry.centre - low - geometry.middle @ turn  # of view pixel (0, 0), in pixels of the part
    # Pillow's frame has (0, 0) at the corner of the first pixel, and it evaluates the map at pixel centres
    x, y = start + 0.5 - np.array([0.5, 0.5]) @ turn
    (cos, sin), (minus_sin, _) = turn[:, 0], turn[:, 1]
    affine = (cos, sin, x, minus_sin, cos, y)
    image = Image.fromarray(np.ascontiguousarray(part))
    return np.asarray(image.transform((W, H), Image.Transform.AFFINE, affine, Image.Resampling.BILINEAR))


def _lit(image: NDArray[np.uint8], view: View) -> NDArray[np.uint8]:
    if view.gain == view.gamma == 1:
        return image
    levels = _LARGEST_LEVEL * view.gain * (np.arange(256) / _LARGEST_LEVEL) ** view.gamma
    return np.clip(levels + 0.5, 0, _LARGEST_LEVEL).astype(np.uint8)[image]
