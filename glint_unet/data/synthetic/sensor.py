"""What lens and sensor do to the light: vignetting, motion, noise, 8 bits."""

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import Floats, pixel_grid
from glint_unet.data.synthetic.levels import Level
from glint_unet.data.synthetic.scene import EyeScene
from glint_unet.data.synthetic.variation import Variation

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


def exposed(image: Floats, variation: Variation) -> Floats:
    """The image with the camera's gain, gamma and black level; reflections come later."""
    if variation.tones is None:
        return image
    bent = np.clip(image / np.float32(WHITE), 0, None) ** np.float32(variation.gamma)
    light: Floats = bent * np.float32(variation.gain * WHITE) + np.float32(variation.offset)
    return light


def rim_of_headset(rng: np.random.Generator, scene: EyeScene, size: tuple[int, int]) -> Floats:
    """(H, W): share of the light that a headset's rim keeps out, outside an ellipse around the eye."""
    y, x = pixel_grid(size)
    across, down = rng.uniform(1.3, 4, 2) * scene.iris_radius
    place = scene.eye + rng.uniform(-0.5, 0.5, 2) * scene.iris_radius
    u, v = (x - np.float32(place[0])) / np.float32(across), (y - np.float32(place[1])) / np.float32(down)
    distance = np.sqrt(u**2 + v**2)
    softness = np.float32(rng.uniform(0.02, 0.5))
    rim: Floats = np.float32(rng.uniform(0.6, 0.97)) * np.clip((distance - 1) / softness, 0, 1)
    return rim


def add_fixed_pattern(rng: np.random.Generator, image: Floats, amplitude: float) -> None:
    """Adds rows, columns or rings of slightly different brightness, as of a sensor's readout or of moire."""
    if not amplitude:
        return
    H, W = image.shape
    y, x = pixel_grid((H, W))
    kind = rng.integers(3)
    if kind == 0:
        image += np.float32(amplitude) * rng.standard_normal((H, 1), dtype=np.float32)
    elif kind == 1:
        image += np.float32(amplitude) * rng.standard_normal((1, W), dtype=np.float32)
    else:
        middle = rng.uniform(0, 1, 2) * np.array([W, H])
        distance = np.sqrt((x - np.float32(middle[0])) ** 2 + (y - np.float32(middle[1])) ** 2)
        image += np.float32(amplitude) * np.sin(distance * np.float32(2 * np.pi / rng.uniform(2.2, 7)))


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
