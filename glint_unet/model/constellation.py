"""A constellation: the LEDs as one rigid layout, seen in the mirror of the cornea.

All glints of an eye are images of one layout, so each of them says where the others must be. What the cornea makes of
a flat layout is an affine image of it to within a few per cent of its size: moved, scaled, turned a little, and
squeezed where the eye looks aside. In complex numbers, with q the position of an LED in the layout,

    p = t + z q + v conj(q)

where |z| is the size, arg z the turn, and |v| / |z| = (s - 1) / (s + 1) for axes in the ratio s.

This module, `assignment.py` and what it imports need numpy alone: programs that run an .onnx file can use them without
PyTorch.
"""

import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from glint_unet.data.synthetic.rig import Rig

LEAST_LEDS = 4
"""Fewer say too little about each other: their images are decoded one by one."""

_TURN_DEG = 20.0
_SQUEEZE = 0.06
_SPREAD = 0.08
_SIZE_MARGIN = 2.0
_RIG_SIZE_MARGIN = 1.25  # of the sizes that a rig file states
_LEAST_ROWS = 10
_LARGEST_SPREAD = 0.25
_LARGEST_SPREAD_OF_ROW, _LARGEST_SQUEEZE = 0.375, 0.5  # of one annotated image; beyond, it shows another layout
_LEAST_ALIKE = 0.9  # share of the images that must show the layout
_NUM_ROUNDS = 30
_TINY = 1e-6
_PRIOR_WEIGHT = (_SPREAD / _SQUEEZE) ** 2

Complex = NDArray[np.complex64]


@dataclass(frozen=True)
class Constellation:
    """A layout of LEDs and the images of it that are plausible.

    Attributes:
        layout: ((x, y), ...) of the C LEDs as the camera sees them: x right, y down, centred, of mean square distance 1
            from the centre.
        size_px: least and greatest size of the layout in pixels of the network's input.
        turn_deg: how far it may be turned, either way.
        squeeze: standard deviation of |v| / |z|; 0.06 allows axes in a ratio up to about 1.4.
        spread: standard deviation of a glint's distance from the affine image along x and along y, in units of the
            layout's size.
    """

    layout: tuple[tuple[float, float], ...]
    size_px: tuple[float, float]
    turn_deg: float = _TURN_DEG
    squeeze: float = _SQUEEZE
    spread: float = _SPREAD

    @classmethod
    def from_layout(cls, positions: NDArray[Any], size_px: tuple[float, float], **values: Any) -> "Constellation":
        """The constellation of a known rig.

        Args:
            positions: (C, 2), LEDs as the camera sees them, x right and y down, in any unit.
            size_px: least and greatest root mean square distance of the glints from their centre, in pixels of the
                network's input.
            values: further attributes.

        Raises:
            ValueError: all LEDs are at one place.
        """
        layout = _unit(as_complex(np.asarray(positions, dtype=np.float64)))
        pairs = tuple((round(float(q.real), 6) + 0.0, round(float(q.imag), 6) + 0.0) for q in layout)
        return cls(pairs, (float(size_px[0]), float(size_px[1])), **values)

    @classmethod
    def of_rig(cls, rig: "Rig", image_size: tuple[int, int]) -> "Constellation | None":
        """The constellation of a rig file, in images (H, W) of the network's input.

        None for fewer than 4 LEDs, where all of them are at one place, and for a rig of any layout.
        """
        positions = rig.positions().astype(np.float64)
        size = float(np.sqrt(positions.var(axis=0).sum()))
        if rig.num_leds < LEAST_LEDS or not size or rig.any_layout:
            return None
        radii = np.array([rig.iris_share[0] / _RIG_SIZE_MARGIN, rig.iris_share[1] * _RIG_SIZE_MARGIN])
        least, greatest = (radii * min(image_size) * rig.layout_size * size).tolist()
        return cls.from_layout(positions, (least, greatest))

    @classmethod
    def from_keypoints(cls, keypoints: NDArray[Any]) -> "Constellation | None":
        """The constellation that annotated images show: their mean shape, and how much they differ from it.

        The mean shape is that of generalised Procrustes analysis (Gower, Psychometrika 1975) with missing points: each
        image is fitted to the mean by its present glints, and the mean is that of the fitted images, until it stays.

        Args:
            keypoints: (N, C, 2), (x, y) in pixels of the network's input; NaN where absent.

        Returns:
            None where there is nothing to learn from: fewer than 4 LEDs, an LED that is rarely seen together with two
            others, or points that do not move together. A few images that show another layout than the rest, such as
            those whose LEDs were numbered the other way round, do not count.
        """
        points = as_complex(np.asarray(keypoints, dtype=np.float64))
        present = np.isfinite(points)
        rows = (present.sum(axis=1) >= 3) & _are_apart(points, present)
        points, present = np.where(present, points, 0)[rows], present[rows]
        if present.shape[1] < LEAST_LEDS or (present.sum(axis=0) < _LEAST_ROWS).any():
            return None
        mean = _mean_shape(points, present)
        if mean is None:
            return None
        is_alike = _shows(points, mean, present)
        points, present = points[is_alike], present[is_alike]
        mean = _mean_shape(points, present) if is_alike.mean() >= _LEAST_ALIKE else None
        if mean is None or (present.sum(axis=0) < _LEAST_ROWS).any():
            return None
        _, z, v = _fitted(points, mean, present)
        away = _away(points, mean, present)[present]
        spread = float(np.sqrt(np.mean(away**2) / 2))
        if not spread <= _LARGEST_SPREAD:  # NaN where a row's fit has no size
            return None
        size, turn = np.abs(z), np.abs(np.degrees(np.angle(z)))
        return cls.from_layout(
            np.stack([mean.real, mean.imag], axis=-1),
            (float(np.quantile(size, 0.01)) / _SIZE_MARGIN, float(np.quantile(size, 0.99)) * _SIZE_MARGIN),
            turn_deg=float(np.clip(1.5 * np.quantile(turn, 0.98), _TURN_DEG, 45)),
            squeeze=float(np.clip(np.sqrt(np.mean(np.abs(v / z) ** 2)), _SQUEEZE, 0.2)),
            spread=float(np.clip(spread, _SPREAD, 0.15)),
        )

    @classmethod
    def of_run(cls, dataset: Mapping[str, Any]) -> "Constellation | None":
        """What the record of a run's data set holds; None in those of earlier versions, and below 4 LEDs.

        Raises:
            ValueError, TypeError, KeyError: the record is damaged, or of another number of LEDs.
        """
        values = dataset.get("constellation")
        return None if values is None else cls.from_dict(values, int(dataset["num_classes"]))

    @functools.cached_property
    def positions(self) -> Complex:
        """(C,) complex64: the layout as x + iy; read-only."""
        positions: Complex = as_complex(np.array(self.layout)).astype(np.complex64)
        positions.setflags(write=False)
        return positions

    @functools.cached_property
    def mirrored(self) -> Complex:
        """(C,) complex64: the layout as x - iy; read-only."""
        mirrored: Complex = self.positions.conj()
        mirrored.setflags(write=False)
        return mirrored

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for checkpoints and the metadata of .onnx files."""
        return {
            "layout": [list(pair) for pair in self.layout],
            "size_px": list(self.size_px),
            "turn_deg": self.turn_deg,
            "squeeze": self.squeeze,
            "spread": self.spread,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any], num_leds: int | None = None) -> "Constellation":
        """The inverse of `to_dict`.

        Args:
            values: what `to_dict` gave.
            num_leds: C, if it is known.

        Raises:
            ValueError, TypeError, KeyError: `values` are something else, or of another number of LEDs.
        """
        positions = np.array(values["layout"], dtype=np.float64)
        low, high = map(float, values["size_px"])
        rest = {name: float(values[name]) for name in ("turn_deg", "squeeze", "spread")}
        if positions.ndim != 2 or positions.shape[1] != 2 or len(positions) < LEAST_LEDS:
            raise ValueError(f"layout of shape {positions.shape}")
        if len(positions) != (num_leds or len(positions)):
            raise ValueError(f"layout of {len(positions)} LEDs, not of {num_leds}")
        if not (np.isfinite(positions).all() and 0 < low < high < math.inf and all(0 < v < 90 for v in rest.values())):
            raise ValueError("constellation out of range")
        return cls.from_layout(positions, (low, high), **rest)


def as_complex(points: NDArray[Any]) -> NDArray[Any]:
    """Points (..., 2), (x, y), as x + iy."""
    complex_points: NDArray[Any] = points[..., 0] + 1j * points[..., 1]
    return complex_points


def _are_apart(points: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) which rows (N, C) have present points at more than one place."""
    first = np.take_along_axis(points, present.argmax(axis=1, keepdims=True), axis=1)
    apart: NDArray[np.bool_] = (present & (points != first)).any(axis=1)
    return apart


def _unit(shape: NDArray[Any]) -> NDArray[Any]:
    """A shape (C,) centred, of mean square distance 1 from its centre."""
    centred = shape - shape.mean()
    size = np.sqrt(np.mean(np.abs(centred) ** 2))
    if not size > 0:
        raise ValueError("all LEDs are at one place")
    unit: NDArray[Any] = centred / size
    return unit


def _mean_shape(points: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[Any] | None:
    """(C,) mean of the shapes (N, C), upright on average; None where some LED is linked to no other.

    In the least-squares sense, of shapes scaled to the same size: one that does not resemble the others weighs little.
    """
    num = present.sum(axis=1, keepdims=True)
    centre = points.sum(axis=1, keepdims=True) / num  # absent ones are 0
    size = np.sqrt((np.abs(points - centre) ** 2 * present).sum(axis=1, keepdims=True) / num)
    points = np.where(present, (points - centre) / size, 0)
    first = int(num[:, 0].argmax())
    mean, known = points[first], present[first]
    for _ in range(_NUM_ROUNDS):
        seen = present & known
        usable = seen.sum(axis=1) >= 2
        t, z, _ = _fitted(points, mean, seen, affine=False)
        shapes, there = ((points - t) * z.conj())[usable], present[usable]
        weights = np.where(there, (z.real**2 + z.imag**2)[usable], 0).sum(axis=0)
        known = weights > 0
        mean = np.where(there, shapes, 0).sum(axis=0) / np.where(known, weights, 1)
        if known.all():
            mean = _unit(mean)
    if not known.all():
        return None
    z = _fitted(points, mean, present, affine=False)[1]
    upright: NDArray[Any] = mean * np.exp(1j * np.angle(z.sum()))
    return upright


def _shows(points: NDArray[Any], mean: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,) which rows (N, C) are images of the layout `mean`: hardly squeezed, and near their places."""
    _, z, v = (part[:, 0] for part in _fitted(points, mean, present))
    away = _away(points, mean, present)
    off2 = (away**2 * present).sum(axis=1) / present.sum(axis=1) / 2
    shows: NDArray[np.bool_] = (np.abs(v) <= _LARGEST_SQUEEZE * np.abs(z)) & (off2 <= _LARGEST_SPREAD_OF_ROW**2)
    return shows


def _away(points: NDArray[Any], mean: NDArray[Any], present: NDArray[np.bool_]) -> NDArray[Any]:
    """(N, C) distances of points from the affine image of `mean`, in units of its size; 0 where absent."""
    t, z, v = _fitted(points, mean, present)
    distances = np.abs(points - t - z * mean - v * mean.conj())
    away: NDArray[Any] = np.where(present, distances, 0) / np.maximum(np.abs(z), _TINY)
    return away


def _fitted(
    points: NDArray[Any], mean: NDArray[Any], used: NDArray[np.bool_], *, affine: bool = True
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """t, z and v (N, 1) of each row (N, C); where it is not affine, v is 0."""
    num = np.maximum(used.sum(axis=1, keepdims=True), 1)
    centre_q = np.where(used, mean, 0).sum(axis=1, keepdims=True) / num
    centre_p = np.where(used, points, 0).sum(axis=1, keepdims=True) / num
    q, p = np.where(used, mean - centre_q, 0), np.where(used, points - centre_p, 0)
    z, v = solve_affine(q, p, _PRIOR_WEIGHT if affine else math.inf)
    return centre_p - z * centre_q - v * centre_q.conj(), z, v


def solve_affine(q: NDArray[Any], p: NDArray[Any], prior_weight: float) -> tuple[NDArray[Any], NDArray[Any]]:
    """Least squares of `p = z q + v conj(q)` over the last axis, with `prior_weight * |v|^2` added.

    Args:
        q, p: (..., n) centred points, times the square root of their weights; 0 where unused.
        prior_weight: variance of the residuals over that of v; infinite: v is 0.
        p: see q.

    Returns:
        z, v: (..., 1).
    """
    qq = (q.real**2 + q.imag**2).sum(axis=-1, keepdims=True) + _TINY
    zp = (p * q.conj()).sum(axis=-1, keepdims=True)
    if math.isinf(prior_weight):
        return zp / qq, 0 * zp
    turned, vp = (q * q).sum(axis=-1, keepdims=True), (p * q).sum(axis=-1, keepdims=True)
    held = qq + prior_weight
    determinant = qq * held - (turned.real**2 + turned.imag**2)
    return (zp * held - vp * turned.conj()) / determinant, (vp * qq - zp * turned) / determinant
