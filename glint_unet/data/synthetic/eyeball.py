"""Sclera, iris and pupil."""

import numpy as np

from glint_unet.data.synthetic.canvas import Floats, pixel_grid, smooth_noise, window_around
from glint_unet.data.synthetic.levels import Level
from glint_unet.data.synthetic.scene import EyeScene


def draw_eyeball(rng: np.random.Generator, scene: EyeScene, level: Level, size: tuple[int, int], soft: float) -> Floats:
    """Sclera, iris with its texture, pupil."""
    variation, sclera = scene.variation, rng.uniform(95, 165)
    image = (sclera if variation.tones is None else variation.tones.sclera) + smooth_noise(rng, size, 6, 15)
    reach = 1.05 * scene.iris_radius + 2 * soft
    window = window_around(scene.iris, reach, size)
    y, x = pixel_grid(size)
    dx, dy = x[:, window[1]] - np.float32(scene.iris[0]), y[window[0]] - np.float32(scene.iris[1])
    a, b, d = (np.float32(v) for v in (scene.squeeze[0, 0], scene.squeeze[0, 1], scene.squeeze[1, 1]))
    u, v = a * dx + b * dy, b * dx + d * dy
    distance = np.sqrt(u * u + v * v)
    turn = np.arctan2(v, u) * np.float32(64 / np.pi) + 64
    streaks = rng.uniform(-1, 1, 130).astype(np.float32)
    texture = streaks[turn.astype(np.int32)] * np.float32(rng.uniform(2, 14))
    tone = rng.uniform(40, 105)
    if variation.tones is not None:
        tone, texture = variation.tones.iris, texture * np.float32(variation.tones.iris / 100)
    ring = rng.uniform(-12, 18) * np.clip(1 - np.abs(distance / scene.iris_radius - 0.5) * 3, 0, 1)  # the collarette
    rim = np.clip((distance / scene.iris_radius - 0.75) * 4, 0, 1) * (variation.limbus * tone)
    ring = ring - rim
    if variation.crypts:
        ring = ring + smooth_noise(rng, distance.shape, 9, variation.crypts)
    part = image[window]
    part += np.clip((scene.iris_radius - distance) / (2.5 * soft) + 0.5, 0, 1) * (tone + texture + ring - part)
    pupil = rng.uniform(110, 200) if rng.random() < level.bright_pupil else rng.uniform(5, 38)
    pupil = pupil if variation.tones is None else variation.tones.pupil
    part += np.clip((scene.pupil_radius - distance) / soft + 0.5, 0, 1) * (pupil - part)
    return image
