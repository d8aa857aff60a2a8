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

from glint_unet.data.synthetic.canvas import Floats, smooth_noise
from glint_unet.data.synthetic.eyeball import draw_eyeball
from glint_unet.data.synthetic.lashes import lash_cover
from glint_unet.data.synthetic.levels import LEVELS, Level
from glint_unet.data.synthetic.lids import add_tear_line, lid_cover
from glint_unet.data.synthetic.reflections import Glow, Spots, add_distractors
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import EyeScene, sample_in_disc, sample_scene
from glint_unet.data.synthetic.sensor import (
    WHITE,
    add_fixed_pattern,
    add_noise,
    exposed,
    light_field,
    motion_blurred,
    quantized,
    rim_of_headset,
)
from glint_unet.data.synthetic.variation import AS_THE_LEVEL, VARIED, sample_variation

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
    random_numbers = np.random.Philox(key=[seed, index])
    rng = np.random.Generator(random_numbers)
    level = LEVELS[rig.level] if rig.level in LEVELS else list(LEVELS.values())[rng.integers(len(LEVELS))]
    variation = AS_THE_LEVEL
    varied = np.random.Generator(random_numbers.jumped())
    if rig.level == "mixed" and varied.random() < VARIED:
        variation = sample_variation(varied, rig.num_leds, rig.iris_share)
    scene = sample_scene(rng, rig, level, variation)
    image, visible = _paint(rng, scene, rig, level)
    keypoints = np.where(visible[:, None], scene.glints, np.float32(np.nan)).astype(np.float32)
    return image, keypoints


def _paint(
    rng: np.random.Generator, scene: EyeScene, rig: Rig, level: Level
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The image, and which glints can be seen in it."""
    variation, size = scene.variation, rig.image_size
    defocus = rng.uniform(*level.defocus) * scene.unit
    smear = sample_in_disc(rng) * rng.uniform(*level.motion) * scene.unit
    image, cover, lashes = _without_reflections(rng, scene, level, size, defocus)
    if np.abs(smear).max() > 0.5:
        image = motion_blurred(image, smear)

    brightness = float(np.exp(rng.uniform(*np.log(level.peak))))
    peaks = brightness * level.peak_spread ** rng.random(rig.num_leds)
    widths = rng.uniform(*level.sigma) * scene.unit * rng.uniform(0.9, 1.1, rig.num_leds)
    sigmas = np.maximum(np.hypot(widths, defocus) * variation.spot_scale, variation.least_sigma_px)
    add_distractors(rng, image, scene, rig, level, Glow(brightness, sigmas, smear))
    if variation.rim:
        rim = rim_of_headset(rng, scene, size)
        image *= 1 - rim
        cover = np.maximum(cover, rim)
    glints = Spots(scene.glints, sigmas, smear, size)
    transmission = glints.means(1 - cover) * glints.means(1 - lashes)
    is_lit = (rng.random(rig.num_leds) >= level.missing) & scene.on_cornea
    if variation.lit is not None:
        is_lit &= variation.lit
        peaks *= variation.peak_spread ** rng.random(rig.num_leds)
    heights = np.where(is_lit, peaks * transmission, 0)
    before = glints.means(image)
    glints.add_to(image, heights, lambda window: (1 - cover[window]) * (1 - lashes[window]))
    read_noise, shot_noise = rng.uniform(*level.noise), rng.uniform(*level.shot)
    contrast = np.minimum(before + heights * glints.peak_share, WHITE) - np.minimum(before, WHITE)
    stands_out = contrast >= max(_LEAST_CONTRAST, 3 * float(np.hypot(read_noise, shot_noise * 0.6)))
    add_noise(rng, image, read_noise, shot_noise)
    add_fixed_pattern(rng, image, variation.pattern)
    image, is_shown = _padded(image, scene)
    return quantized(image), is_lit & (transmission >= _LEAST_TRANSMISSION) & stands_out & is_shown


def _without_reflections(
    rng: np.random.Generator, scene: EyeScene, level: Level, size: tuple[int, int], defocus: float
) -> tuple[Floats, Floats, Floats]:
    """The eye before any reflection, and the shares of each pixel that lids and lashes cover; each (H, W) float32."""
    soft = float(np.hypot(1.2 * scene.unit + 0.3, 2.5 * defocus))  # width of every edge
    image = draw_eyeball(rng, scene, level, size, soft)
    cover = lid_cover(scene, size, soft)
    lashes = lash_cover(rng, scene, level, size, max(1, round(2 * defocus)))
    tones, skin_tone = scene.variation.tones, rng.uniform(90, 190)
    skin = (tones.skin if tones else skin_tone) + smooth_noise(rng, size, 5, 30) + smooth_noise(rng, size, 48, 8)
    image += cover * (skin - image)
    add_tear_line(rng, image, scene)
    lash_tone = rng.uniform(15, 70)
    image += lashes * ((tones.lashes if tones else lash_tone) - image)
    image *= light_field(rng, size, level)
    return exposed(image, scene.variation), cover, lashes


def _padded(image: Floats, scene: EyeScene) -> tuple[Floats, NDArray[np.bool_]]:
    """The image with parts replaced by its border, as the detector pads; and which glints lie in the rest."""
    H, W = image.shape
    top, bottom, left, right = (round(share * (H, H, W, W)[k]) for k, share in enumerate(scene.variation.padding))
    low, high = np.array([left, top]), np.array([W - 1 - right, H - 1 - bottom])
    inside = np.all((scene.glints >= low) & (scene.glints <= high), axis=-1)
    if not any(scene.variation.padding):
        return image, inside
    return np.pad(image[top : H - bottom, left : W - right], ((top, bottom), (left, right)), mode="edge"), inside
