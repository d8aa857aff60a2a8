"""What lens and sensor do to the light: vignetting, motion, noise, 8 bits."""

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import Floats, pixel_grid
from glint_unet.data.synthetic.levels import Level

WHITE = 255.0


def light_field(rng: np.random.Generator, size: tuple[int, int], level: Level) -> Floats:
    """(H, W): vignetting and uneven lighting, as a factor."""
    y, x = pixel_grid(size)
    middle = (np.array(size) - 1) / 2
    across = (x - np.float32(middle[1])) / np.float32(middle[1])
    down = (y - np.float32(middle[0])) / np.float32(middle[0])
    loss, slope = rng.uniform(0, level.vignetting), rng.uniform(-0.6, 0.6, 2) * level.vignetting
    column = 1 - np.float32(loss / 2) * down**2 + np.float32(slope[1]) * down
    row = -np.float32(loss / 2) * across**2 + np.float32(slope[0]) * across
    light: Floats = np.float32(rng.uniform(0.75, 1.15)) * (column + row)
    return light


def motion_blurred(image: Floats, smear: Floats) -> Floats:
    """Mean of the image along the motion path `smear` (x, y), in whole pixels; the border is replicated."""
    steps = np.unique(np.round(np.linspace(-0.5, 0.5, 7)[:, None] * smear).astype(int), axis=0)
    reach = int(np.abs(steps).max())
    if reach == 0:
        return image
    H, W = image.shape
    wide = np.pad(image, reach, mode="edge")
    total = np.zeros_like(image)
    for dx, dy in steps:
        total += wide[reach + dy : reach + dy + H, reach + dx : reach + dx + W]
    return total / np.float32(len(steps))


def add_noise(rng: np.random.Generator, image: Floats, read_noise: float, shot_noise: float) -> None:
    """Adds read and shot noise in place; both are standard deviations in grey levels, shot noise at white."""
    np.maximum(image, 0, out=image)
    noise = rng.standard_normal(image.shape, dtype=np.float32)
    image += noise * np.sqrt(np.float32(read_noise**2) + image * np.float32(shot_noise**2 / WHITE))


def quantized(image: Floats) -> NDArray[np.uint8]:
    """The image in 8 bits, rounded; a bright glint is clipped to a plateau."""
    rounded: NDArray[np.uint8] = np.clip(image + np.float32(0.5), 0, 255).astype(np.uint8)
    return rounded
