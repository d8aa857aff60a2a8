"""Drawing primitives on (H, W) float32 images: grids, windows, points shared among pixels, smoothing, noise."""

import functools
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating[Any]]


@functools.lru_cache(maxsize=4)
def pixel_grid(size: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Row numbers (H, 1) and column numbers (1, W), float32."""
    H, W = size
    return np.arange(H, dtype=np.float32)[:, None], np.arange(W, dtype=np.float32)[None, :]


def window_around(centre: Floats, reach: float, size: tuple[int, ...]) -> tuple[slice, slice]:
    """Rows and columns within `reach` pixels of a centre (x, y), clipped to the image."""
    (x, y), (H, W) = centre, size
    rows = slice(min(max(int(y - reach), 0), H), min(max(int(y + reach) + 2, 0), H))
    columns = slice(min(max(int(x - reach), 0), W), min(max(int(x + reach) + 2, 0), W))
    return rows, columns


def splat(points: Floats, amounts: Floats, size: tuple[int, ...]) -> Floats:
    """(H, W) float32: the amount of each point (n, 2), shared bilinearly among the four pixels around it."""
    H, W = size
    floor = np.floor(points)
    fraction = points - floor
    column, row = floor.astype(np.int64).T
    total = np.zeros(H * W)
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dx - fraction[:, 0]) * np.abs(1 - dy - fraction[:, 1]) * amounts
            inside = (column + dx >= 0) & (column + dx < W) & (row + dy >= 0) & (row + dy < H)
            index = ((row + dy) * W + column + dx)[inside]
            total += np.bincount(index, weights=share[inside], minlength=H * W)
    return total.reshape(H, W).astype(np.float32)


def smooth(image: Floats) -> None:
    """Blurs in place by 1-2-1 along both axes; the outermost pixels stay unchanged."""
    image[1:-1] += (image[:-2] - 2 * image[1:-1] + image[2:]) * np.float32(0.25)
    image[:, 1:-1] += (image[:, :-2] - 2 * image[:, 1:-1] + image[:, 2:]) * np.float32(0.25)


def box_mean(image: Floats, reach: int) -> Floats:
    """Mean over the square of side 2 * reach + 1 around each pixel; the border is replicated."""
    side = 2 * reach + 1
    total = np.pad(image, ((reach + 1, reach), (reach + 1, reach)), mode="edge").astype(np.float64)
    total[0], total[:, 0] = 0, 0
    total = total.cumsum(0).cumsum(1)
    mean: Floats = (total[side:, side:] - total[:-side, side:] - total[side:, :-side] + total[:-side, :-side]) / side**2
    return mean


def smooth_noise(rng: np.random.Generator, size: tuple[int, int], cells: int, amplitude: float) -> Floats:
    """(H, W) float32 noise in +-amplitude: a random grid of `cells` by `cells`, bilinearly enlarged."""
    grid = rng.uniform(-amplitude, amplitude, (cells + 1, cells + 1)).astype(np.float32)
    down, across = (_hat_functions(side, cells) for side in size)
    noise: Floats = down @ grid @ across.T
    return noise


@functools.lru_cache(maxsize=16)
def _hat_functions(side: int, cells: int) -> Floats:
    place = np.linspace(0, cells, side, dtype=np.float32)
    weights: Floats = np.clip(1 - np.abs(place[:, None] - np.arange(cells + 1, dtype=np.float32)), 0, 1)
    return weights
