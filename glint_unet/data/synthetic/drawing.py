"""Synthetic infrared eyes with known glints, rich enough to train without any annotation.

Training on drawn eyes follows LEyes (Byrne, Maquiling et al. 2023/25); geometry, optics and drawing are our own. When
the eye turns, the pupil moves with the eyeball's radius and the corneal reflections about half as far (the principle of
pupil-corneal-reflection tracking: Guestrin and Eizenman, IEEE TBME 2006), so glints drift against the pupil and leave
the cornea at large angles. The LEDs' layout is imaged by a convex mirror: larger towards its edge, stretched along the
gaze. The scene is linear light; defocus, motion, vignetting, noise and 8-bit clipping come last, so a bright glint has
a plateau and a dim one vanishes in the noise.

`glints.py` says when a keypoint is absent. An image is a function of (rig, seed, index) alone.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import Floats, smooth_noise
from glint_unet.data.synthetic.eyeball import draw_eyeball
from glint_unet.data.synthetic.glints import add_glints, sample_glow, sample_kind
from glint_unet.data.synthetic.lashes import lash_cover
from glint_unet.data.synthetic.levels import Level
from glint_unet.data.synthetic.lids import add_tear_line, lid_cover
from glint_unet.data.synthetic.reflections import add_distractors
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import EyeScene, sample_in_disc, sample_scene
from glint_unet.data.synthetic.sensor import (
    add_fixed_pattern,
    add_noise,
    exposed,
    light_field,
    motion_blurred,
    quantized,
    rim_of_headset,
)


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
    kind = sample_kind(rig, seed, index)
    scene = sample_scene(kind.rng, rig, kind.level, kind.variation)
    image, visible = _paint(kind.rng, scene, rig, kind.level)
    keypoints = np.where(visible[:, None], scene.glints, np.float32(np.nan)).astype(np.float32)
    return image, keypoints


def _paint(
    rng: np.random.Generator, scene: EyeScene, rig: Rig, level: Level
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The image, and which glints can be seen in it."""
    variation, size = scene.variation, rig.image_size
    defocus = rng.uniform(*level.defocus) * scene.unit
    smear = sample_in_disc(rng) * rng.uniform(*level.motion) * scene.unit
    image, cover, lashes = without_reflections(rng, scene, level, size, defocus)
    if np.abs(smear).max() > 0.5:
        image = motion_blurred(image, smear)

    glow = sample_glow(rng, scene, level, defocus, smear)
    add_distractors(rng, image, scene, rig, level, glow)
    if variation.rim:
        rim = rim_of_headset(rng, scene, size)
        image *= 1 - rim
        cover = np.maximum(cover, rim)
    added = add_glints(rng, image, scene, level, glow, cover, lashes)
    read_noise, shot_noise = (variation.noise * rng.uniform(*limits) for limits in (level.noise, level.shot))
    visible = added.visible(float(np.hypot(read_noise, shot_noise * 0.6)))
    add_noise(rng, image, read_noise, shot_noise)
    add_fixed_pattern(rng, image, variation.pattern)
    image, is_shown = _padded(image, scene)
    return quantized(image), visible & is_shown


def without_reflections(
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
