"""Lids, their edges, and the tear film on the lower one."""

import numpy as np

from glint_unet.data.synthetic.canvas import Floats, pixel_grid, smooth, splat
from glint_unet.data.synthetic.scene import EyeScene


def lid_edges(scene: EyeScene, x: Floats) -> tuple[Floats, Floats]:
    """Rows of the upper and lower lid's edge at columns x: two parabolas that meet in the corners of the eye."""
    lids, unit = scene.variation.lids, scene.unit
    bulge = np.clip(1 - ((x - scene.eye[0]) / (lids.width * unit)) ** 2, 0, None)
    closed = scene.eye[1] + lids.sag * unit * bulge + scene.tilt * (x - scene.eye[0])
    upper = closed - lids.upper * unit * scene.openness * bulge
    return upper, closed + lids.lower * unit * scene.openness * bulge


def lid_cover(scene: EyeScene, size: tuple[int, int], soft: float) -> Floats:
    """(H, W): 1 where a lid covers the eye."""
    y, x = pixel_grid(size)
    upper, lower = (edge.astype(np.float32) for edge in lid_edges(scene, x))
    cover: Floats = np.clip(np.maximum(upper - y, y - lower) / np.float32(soft) + 1, 0, 1)
    return cover


def add_tear_line(rng: np.random.Generator, image: Floats, scene: EyeScene) -> None:
    """The bright line of the tear film on the lower lid's edge, in pieces."""
    num = 120
    if rng.random() < 0.4 or scene.openness < 0.15:
        return
    x = scene.eye[0] + np.linspace(-90, 90, num) * scene.unit
    _, lower = lid_edges(scene, x)
    strength = np.clip(np.repeat(rng.uniform(-1, 1, num // 8), 8), 0, 1) * rng.uniform(30, 200)
    points = np.stack([x, lower - rng.uniform(0, 1.5) * scene.unit], axis=-1)
    line = splat(points, strength * scene.unit**2 * 2, image.shape)
    smooth(line)
    image += line
