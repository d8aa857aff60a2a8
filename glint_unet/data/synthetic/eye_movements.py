"""A synthetic recording: one person's eye that fixates, makes saccades and blinks, in the noise of each frame.

Fixations last 0.2 to 0.5 s and drift; a saccade lasts 21 ms and 2.2 ms per degree (the main sequence: Bahill, Clark and
Stark, Math. Biosci. 1975) with the profile of minimum jerk; a blink of about 0.3 s comes every 2 to 4 s. Person, camera
and headset are those of image 0 of the same rig and seed; a frame is a function of (rig, seed, fps, index).
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import Floats
from glint_unet.data.synthetic.drawing import without_reflections
from glint_unet.data.synthetic.glints import add_glints, sample_glow, sample_kind
from glint_unet.data.synthetic.reflections import add_distractors
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import Pose, sample_in_disc, sample_scene
from glint_unet.data.synthetic.sensor import add_noise, quantized

_DEG_PER_GAZE = 30.0  # gaze 1 looks at the corner of the eye
_DRIFT_DEG_PER_S = 0.5
_CLOSING_S, _CLOSED_S, _OPENING_S = 0.08, 0.05, 0.16


def render_recording(
    rig: Rig, seed: int, num: int, fps: float = 500.0
) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """The frames of a recording.

    Args:
        rig: LEDs, image size and level.
        seed: person, movements and noise.
        num: number of frames.
        fps: frames per second.

    Yields:
        image: (H, W) uint8.
        keypoints: (C, 2) float32, (x, y) in pixels; NaN where the LED has no visible reflection.
    """
    for index, pose in enumerate(eye_movements(seed, num, fps)):
        yield _frame(rig, seed, pose, index)


def eye_movements(seed: int, num: int, fps: float) -> list[Pose]:
    """Gaze and lids of each frame."""
    gaze = _gaze(np.random.default_rng([seed, 0]), num, fps)
    opening = _opening(np.random.default_rng([seed, 1]), num, fps)
    return [Pose(direction, float(openness)) for direction, openness in zip(gaze, opening, strict=True)]


def _gaze(rng: np.random.Generator, num: int, fps: float) -> Floats:
    """(num, 2): fixations that drift, and saccades between them."""
    parts, at = [np.zeros((1, 2))], sample_in_disc(rng) * 0.3
    parts[0][0] = at
    while sum(map(len, parts)) < num:
        fixated = max(1, round(rng.uniform(0.2, 0.5) * fps))
        steps = rng.normal(0, _DRIFT_DEG_PER_S / _DEG_PER_GAZE / fps**0.5, (fixated, 2)).cumsum(axis=0)
        goal = (sample_in_disc(rng) * 0.6).clip(-0.6, 0.6)
        degrees = float(np.linalg.norm(goal - at - steps[-1])) * _DEG_PER_GAZE
        flown = max(1, round((0.021 + 0.0022 * degrees) * fps))
        t = (np.arange(1, flown + 1) / flown)[:, None]
        from_here = at + steps[-1]
        parts += [at + steps, from_here + (goal - from_here) * (10 * t**3 - 15 * t**4 + 6 * t**5)]
        at = goal
    return np.concatenate(parts)[:num]


def _opening(rng: np.random.Generator, num: int, fps: float) -> Floats:
    """(num,): 1 open, 0 closed."""
    opening, at = np.ones(num), rng.uniform(0.8, 1.2)
    t = np.arange(num) / fps
    while at < num / fps:
        closing = (at + _CLOSING_S - t) / _CLOSING_S
        reopening = (t - at - _CLOSING_S - _CLOSED_S) / _OPENING_S
        opening = np.minimum(opening, np.maximum(closing, reopening).clip(0, 1))
        at += rng.uniform(2, 4)
    return opening


def _frame(rig: Rig, seed: int, pose: Pose, index: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """One frame: what belongs to the person comes from the same random numbers in every frame, noise does not."""
    of_person = sample_kind(rig, seed, 0)
    level, size = of_person.level, rig.image_size
    eyeball, spots, lit, camera = (np.random.default_rng([seed, 2, part]) for part in range(4))
    scene = sample_scene(of_person.rng, rig, level, of_person.variation, pose)
    defocus = camera.uniform(*level.defocus) * scene.unit
    noise = tuple(of_person.variation.noise * camera.uniform(*limits) for limits in (level.noise, level.shot))
    image, cover, lashes = without_reflections(eyeball, scene, level, size, defocus)
    glow = sample_glow(camera, scene, level, defocus, np.zeros(2))
    add_distractors(spots, image, scene, rig, level, glow)
    added = add_glints(lit, image, scene, level, glow, cover, lashes)
    add_noise(np.random.default_rng([seed, 3, index]), image, *noise)
    visible = added.visible(float(np.hypot(noise[0], noise[1] * 0.6)))
    inside = ((scene.glints >= 0) & (scene.glints <= np.array(size[::-1]) - 1)).all(axis=-1)
    keypoints = np.where((visible & inside)[:, None], scene.glints, np.float32(np.nan))
    return quantized(image), keypoints.astype(np.float32)
