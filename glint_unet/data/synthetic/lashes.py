"""Lashes: curves that grow from the lids' edges."""

import numpy as np

from glint_unet.data.synthetic.canvas import Floats, smooth, splat
from glint_unet.data.synthetic.levels import Level
from glint_unet.data.synthetic.lids import lid_edges
from glint_unet.data.synthetic.scene import EyeScene

_POINTS_PER_LASH = 28


def lash_cover(
    rng: np.random.Generator, scene: EyeScene, level: Level, size: tuple[int, int], smoothings: int
) -> Floats:
    """(H, W): share of each pixel covered by lashes, each of area width times length; blurred `smoothings` times."""
    unit = scene.unit
    num_upper, num_lower = round(rng.uniform(*level.lashes)), round(0.4 * rng.uniform(*level.lashes))
    num = num_upper + num_lower
    is_upper = np.arange(num) < num_upper
    root_x = scene.eye[0] + rng.uniform(-95, 95, num) * unit
    upper, lower = lid_edges(scene, root_x)
    root = np.stack([root_x, np.where(is_upper, upper, lower)], axis=-1)
    hangs = ~is_upper | (rng.random(num) < level.droop)
    fan = 0.9 * (root_x - scene.eye[0]) / (95 * unit) + rng.normal(0, 0.25, num)
    direction = np.stack([np.sin(fan), np.where(hangs, 1, -1) * np.cos(fan)], axis=-1)
    length = np.where(is_upper, rng.uniform(22, 52, num), rng.uniform(8, 20, num)) * unit
    bend = rng.normal(0, 0.35, (num, 1)) * np.stack([-direction[:, 1], direction[:, 0]], axis=-1)
    t = np.linspace(0, 1, _POINTS_PER_LASH)[None, :, None]
    points = root[:, None] + length[:, None, None] * (t * direction[:, None] + t**2 * bend[:, None])
    width = rng.uniform(0.8, 2.2, num) * unit * scene.variation.thick_lashes
    areas = (width * length / _POINTS_PER_LASH)[:, None] * (1 - 0.8 * t[..., 0])
    cover = splat(points.reshape(-1, 2), areas.ravel(), size)
    for _ in range(smoothings):
        smooth(cover)
    return np.minimum(cover, 0.95, out=cover)
