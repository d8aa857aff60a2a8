"""Synthetic infrared eyes with known glints, rich enough to train without any annotation.

Training on drawn eyes follows LEyes (Byrne, Maquiling et al. 2023/25); geometry, optics and drawing are our own. When
the eye turns, the pupil moves with the eyeball's radius and the corneal reflections about half as far (the principle of
pupil-corneal-reflection tracking: Guestrin and Eizenman, IEEE TBME 2006), so glints drift against the pupil and leave
the cornea at large angles. The LEDs' layout is imaged by a convex mirror: larger towards its edge, stretched along the
gaze. The scene is linear light; defocus, motion, vignetting, noise and 8-bit clipping come last, so a bright glint has
a plateau and a dim one vanishes in the noise.

A keypoint is the true centre of an LED's reflection. It is absent where the LED is off, the reflection misses the
cornea, lids or lashes block more than half of its light, or its contrast after clipping is below three standard
deviations of the noise or `_LEAST_CONTRAST` grey levels.

An image is a function of (rig, seed, index) alone.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import smooth_noise
from glint_unet.data.synthetic.eyeball import draw_eyeball
from glint_unet.data.synthetic.lashes import lash_cover
from glint_unet.data.synthetic.levels import LEVELS, Level
from glint_unet.data.synthetic.lids import add_tear_line, lid_cover
from glint_unet.data.synthetic.reflections import Glow, Spots, add_distractors
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import EyeScene, sample_in_disc, sample_scene
from glint_unet.data.synthetic.sensor import WHITE, add_noise, light_field, motion_blurred, quantized

_LEAST_TRANSMISSION = 0.5
_LEAST_CONTRAST = 12.0


def render_eyes(rig: Rig, seed: int, indices: Any) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Several eyes: images (B, H, W) uint8 and keypoints (B, C, 2) float32, as `render_eye` gives them."""
    eyes = [render_eye(rig, seed, int(index)) for index in indices]
    return np.stack([image for image, _ in eyes]), np.stack([keypoints for _, keypoints in eyes])


def render_eye(rig: Rig, seed: int, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One synthetic eye.

    Args:
        rig: LEDs, image size and level.
        seed, index: what else the image is a function of.

    Returns:
        image: (H, W) uint8.
        keypoints: (C, 2) float32, (x, y) in image pixels; NaN where the LED has no visible reflection.
    """
    rng = np.random.Generator(np.random.Philox(key=[seed, index]))
    level = list(LEVELS.values())[rng.integers(len(LEVELS))] if rig.level == "mixed" else LEVELS[rig.level]
    scene = sample_scene(rng, rig, level)
    image, visible = _paint(rng, scene, rig, level)
    keypoints = np.where(visible[:, None], scene.glints, np.float32(np.nan)).astype(np.float32)
    return image, keypoints


def _paint(
    rng: np.random.Generator, scene: EyeScene, rig: Rig, level: Level
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The image, and which glints can be seen in it."""
    unit, size = scene.unit, rig.image_size
    defocus = rng.uniform(*level.defocus) * unit
    smear = sample_in_disc(rng) * rng.uniform(*level.motion) * unit
    soft = float(np.hypot(1.2 * unit + 0.3, 2.5 * defocus))  # width of every edge
    image = draw_eyeball(rng, scene, level, size, soft)
    cover = lid_cover(scene, size, soft)
    lashes = lash_cover(rng, scene, level, size, max(1, round(2 * defocus)))
    skin = rng.uniform(90, 190) + smooth_noise(rng, size, 5, 30) + smooth_noise(rng, size, 48, 8)
    image += cover * (skin - image)
    add_tear_line(rng, image, scene)
    image += lashes * (rng.uniform(15, 70) - image)
    image *= light_field(rng, size, level)
    if np.abs(smear).max() > 0.5:
        image = motion_blurred(image, smear)

    brightness = float(np.exp(rng.uniform(*np.log(level.peak))))
    peaks = brightness * level.peak_spread ** rng.random(rig.num_leds)
    sigmas = np.hypot(rng.uniform(*level.sigma) * unit * rng.uniform(0.9, 1.1, rig.num_leds), defocus)
    add_distractors(rng, image, scene, rig, level, Glow(brightness, sigmas, smear))
    glints = Spots(scene.glints, sigmas, smear, size)
    transmission = glints.means(1 - cover) * glints.means(1 - lashes)
    is_lit = (rng.random(rig.num_leds) >= level.missing) & scene.on_cornea
    heights = np.where(is_lit, peaks * transmission, 0)
    before = glints.means(image)
    glints.add_to(image, heights, lambda window: (1 - cover[window]) * (1 - lashes[window]))
    read_noise, shot_noise = rng.uniform(*level.noise), rng.uniform(*level.shot)
    contrast = np.minimum(before + heights * glints.peak_share, WHITE) - np.minimum(before, WHITE)
    stands_out = contrast >= max(_LEAST_CONTRAST, 3 * float(np.hypot(read_noise, shot_noise * 0.6)))
    add_noise(rng, image, read_noise, shot_noise)
    inside = ((scene.glints >= 0) & (scene.glints <= np.array([size[1] - 1, size[0] - 1]))).all(axis=-1)
    return quantized(image), is_lit & (transmission >= _LEAST_TRANSMISSION) & stands_out & inside
