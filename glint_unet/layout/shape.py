"""The simplest form of a layout that fits: a regular ring, or the place of each LED; and the order of its LEDs."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glint_unet.layout.poses import Complex, Floats, layout_size

_LARGEST_RING_ERROR = 0.05  # root mean square, in units of the layout's size
_FLAT = 0.15  # a row: width over length
_TOP_DEG = -85.0  # slightly right of the top, so that of two LEDs beside it, the right one is the first


@dataclass(frozen=True)
class Shape:
    """A layout in the form in which a rig file states it.

    Attributes:
        order: (C,) which LED of the layout is LED 1, 2, ...
        positions: (C, 2) of the LEDs in this order, x right and y down, the largest distance from the centre 1.
        start_deg: where LED 1 of a regular ring is, 0 right, 90 down; None: no regular ring.
        ring_error: root mean square distance from the regular ring, in units of the layout's size; infinite for a row.
        is_row: the LEDs are in a row, and LED 1 is its left or upper end. Otherwise LED 1 is the one at the top, and
            the others follow clockwise.
    """

    order: NDArray[np.int64]
    positions: Floats
    start_deg: float | None
    ring_error: float
    is_row: bool

    @property
    def is_ring(self) -> bool:
        """Whether the layout is stated as a regular ring."""
        return self.start_deg is not None

    @property
    def num_leds(self) -> int:
        """C."""
        return len(self.order)


def shape_of(leds: Complex) -> Shape:
    """The simplest form of a layout (C,), x + iy in any unit."""
    leds = leds - leds.mean()
    greatest = float(np.abs(leds).max())
    if len(leds) == 1 or not greatest > 0:
        return Shape(np.arange(1), np.array([[0.0, -1.0]]), -90.0, 0.0, False)
    order, is_row = _order(leds)
    ordered = leds[order]
    turn, error = (0.0, np.inf) if is_row else _ring(ordered)
    start_deg = round(float(np.degrees(turn)), 1) if error <= _LARGEST_RING_ERROR else None
    at = ordered / greatest if start_deg is None else np.exp(1j * np.radians(start_deg)) * _regular(len(leds))
    return Shape(order, np.stack([at.real, at.imag], axis=-1).round(3) + 0.0, start_deg, error, is_row)


def _order(leds: Complex) -> tuple[NDArray[np.int64], bool]:
    """Indices of the LEDs in order, and whether they are in a row."""
    _, lengths, axes = np.linalg.svd(np.stack([leds.real, leds.imag], axis=-1))
    if lengths[1] <= _FLAT * lengths[0]:
        x, y = axes[0]
        along = leds.real * x + leds.imag * y
        return np.argsort(along if (x if abs(x) >= abs(y) else y) > 0 else -along), True
    top = leds * np.exp(-1j * np.radians(_TOP_DEG))
    clockwise = np.angle(top) % (2 * np.pi)
    first = int(np.abs(np.angle(top)).argmin())
    return np.argsort((clockwise - clockwise[first]) % (2 * np.pi), kind="stable"), False


def _regular(num: int) -> Complex:
    regular: Complex = np.exp(2j * np.pi * np.arange(num) / num)
    return regular


def _ring(ordered: Complex) -> tuple[float, float]:
    """The angle of LED 1 in the regular ring that fits best, and the root mean square distance from it."""
    regular = _regular(len(ordered))
    factor = np.mean(ordered * regular.conj())
    error = np.sqrt(np.mean(np.abs(ordered - factor * regular) ** 2)) / layout_size(ordered)
    return float(np.angle(factor)), float(error)
