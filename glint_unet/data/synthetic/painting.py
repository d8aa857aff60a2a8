"""Glints painted onto the user's own frames: the eye's own texture, known labels.

An image is a function of (rig, seed, index, frames). Half of the images show a whole frame, as the detector will see
it, the others a part of it around the eye; each may be mirrored. The brightness, size, squeeze and displacement of the
reflections and which of them are missing are those of a drawn eye. A keypoint is absent for the reasons of a drawn eye.
The lids are where the frame is much brighter than the iris; there, nothing is painted.
"""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glint_unet.data.synthetic.backgrounds import Background, Backgrounds, read_backgrounds, spot_reach
from glint_unet.data.synthetic.bright_spots import bright_spots, noise_of, opened, painted_over
from glint_unet.data.synthetic.canvas import Floats, box_mean
from glint_unet.data.synthetic.drawing import render_eye
from glint_unet.data.synthetic.eye_finder import FoundEye, sampled
from glint_unet.data.synthetic.glints import Kind, add_glints, sample_glow, sample_kind
from glint_unet.data.synthetic.layouts import padded_keypoints, rig_of_image
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import EyeScene, sample_scene
from glint_unet.data.synthetic.sensor import quantized

_WHOLE = 0.5  # share of the images that show a whole frame
_LARGEST_ZOOM = 4.0
_KEPT = 0.6  # share of the images that keep the bright spots outside the cornea
_MOST_COVER = 0.5  # brightness of the ground under a painted spot, from 0, the iris, to 1, its surroundings
_DEFOCUS = (0.0, 0.8)  # of the painted spots, in design pixels


def make_eyes(
    rig: Rig, seed: int, indices: Any, backgrounds: Backgrounds | None
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Several eyes, drawn or painted: images (B, H, W) uint8 and keypoints (B, C, 2) float32, as `render_eye`."""
    images, keypoints = [], []
    for index in map(int, indices):
        shown = rig_of_image(rig, seed, index)
        if backgrounds is not None and is_painted(rig, seed, index):
            image, points = paint_eye(shown, seed, index, backgrounds)
        else:
            image, points = render_eye(shown, seed, index)
        images.append(image)
        keypoints.append(padded_keypoints(points, rig.num_leds))
    return np.stack(images), np.stack(keypoints)


def is_painted(rig: Rig, seed: int, index: int) -> bool:
    """Whether the image with this number is a painted frame, where there are frames."""
    rng = np.random.Generator(np.random.Philox(key=[seed, index]).jumped(2))
    return bool(rng.random() < rig.backgrounds_share)


def backgrounds_of(rig: Rig) -> Backgrounds | None:
    """The frames of a rig; None if it has none.

    Raises:
        GlintError: see `read_backgrounds`.
    """
    return read_backgrounds(rig.backgrounds, rig.image_size) if rig.backgrounds else None


def paint_eye(
    rig: Rig, seed: int, index: int, backgrounds: Backgrounds
) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One of the frames with synthetic glints.

    Args:
        rig: LEDs, image size and level.
        seed, index: what else the image is a function of.
        backgrounds: the frames, read for the rig's image size.

    Returns:
        image: (H, W) uint8.
        keypoints: (C, 2) float32, (x, y) in image pixels; NaN where the LED has no visible reflection.
    """
    kind = sample_kind(rig, seed, index)
    frame = backgrounds.frames[kind.rng.integers(len(backgrounds.frames))]
    image, eye = _view(kind.rng, frame, rig)
    keypoints = np.full((rig.num_leds, 2), np.nan, np.float32)
    if kind.rng.random() >= _KEPT:
        reach = spot_reach(eye.iris_radius if eye else 0.1 * min(rig.image_size))
        image = painted_over(image, bright_spots(image, reach))
    if eye is not None:
        scene = _scene(kind, rig, eye, _lids(image, eye.iris_radius, frame.tones))
        glow = sample_glow(kind.rng, scene, kind.level, kind.rng.uniform(*_DEFOCUS) * scene.unit, np.zeros(2))
        noise, nothing = noise_of(image), np.zeros_like(image)
        visible = add_glints(kind.rng, image, scene, kind.level, glow, nothing, nothing).visible(noise)
        keypoints[visible] = scene.glints[visible]
    return quantized(image), keypoints


def _view(rng: np.random.Generator, frame: Background, rig: Rig) -> tuple[Floats, FoundEye | None]:
    """A frame or a part of it around the eye, perhaps mirrored, as an (H, W) float32 image; and the eye in it."""
    (H, W), eye = rig.image_size, frame.eye
    whole = np.array([frame.image.shape[1], frame.image.shape[0]])
    window, corner = whole.astype(float), np.zeros(2)
    if eye is not None and rng.random() >= _WHOLE:
        most = rig.iris_share[1] * min(whole) / eye.iris_radius
        window = whole / np.exp(rng.uniform(0, np.log(np.clip(most, 1, _LARGEST_ZOOM))))
        corner = eye.iris - window * rng.uniform(0.3, 0.7, 2)
        corner = np.clip(corner, 0, whole - window)
    box = (corner[0], corner[1], corner[0] + window[0], corner[1] + window[1])
    picture = Image.fromarray(frame.image).resize((W, H), Image.Resampling.BILINEAR, box=box)
    image, factor = np.asarray(picture).astype(np.float32), np.array([W, H]) / window
    eye = eye and eye.moved(factor, -corner * factor)
    if rng.random() < 0.5:
        image = np.ascontiguousarray(image[:, ::-1])
        eye = eye and eye.mirrored(W)
    return image, eye


def _scene(kind: Kind, rig: Rig, eye: FoundEye, cover: Floats) -> EyeScene:
    """A drawn eye's scene, moved to where the frame's eye is; LEDs that a lid hides are not on the cornea."""
    variation = replace(kind.variation, iris_share=eye.iris_radius / min(rig.image_size))
    scene = sample_scene(kind.rng, rig, kind.level, variation)
    glints = (scene.glints + eye.iris - scene.iris).astype(np.float32)
    H, W = rig.image_size
    is_shown = np.all((glints >= 0) & (glints <= (W - 1, H - 1)), axis=-1)
    is_open = sampled(cover, glints) < _MOST_COVER
    on_cornea = scene.on_cornea & is_shown & is_open
    return replace(scene, iris=eye.iris, glints=glints, on_cornea=on_cornea, pupil_radius=eye.pupil_radius)


def _lids(image: Floats, iris_radius: float, tones: tuple[float, float]) -> Floats:
    """(H, W): share of each pixel covered by lids, judging by its brightness between that of iris and surroundings."""
    iris, outside = tones
    if outside <= iris:
        return np.zeros_like(image)
    plain = opened(image, spot_reach(iris_radius))
    cover: Floats = box_mean(np.clip((plain - iris) / np.float32(outside - iris), 0, 1), 1)
    return cover
