"""Bright spots: the glints, and what looks like a glint but is none."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from glint_unet.data.synthetic.canvas import Floats, pixel_grid, smooth, splat, window_around
from glint_unet.data.synthetic.levels import Level
from glint_unet.data.synthetic.lids import lid_edges
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import EyeScene


class Spots:
    """Gaussian spots at sub-pixel centres, smeared along a path; each evaluated only in the window where it matters.

    Args:
        centres: (n, 2), (x, y) in pixels.
        sigmas: (n,) standard deviations in pixels.
        smear: (2,) path of the motion in pixels.
        size: (H, W) of the image.
    """

    def __init__(self, centres: Floats, sigmas: Floats, smear: Floats, size: tuple[int, ...]) -> None:
        path = np.linspace(-0.5, 0.5, 7) if np.hypot(*smear) > 0.2 else np.zeros(1)
        self._windows, self._profiles = [], []
        self.peak_share = np.ones(len(centres))
        y, x = pixel_grid(size)
        for n, (centre, sigma) in enumerate(zip(centres, sigmas, strict=True)):
            window = window_around(centre, 3.5 * sigma + 1 + float(np.hypot(*smear)) / 2, size)
            at = (centre + path[:, None] * smear).astype(np.float32)  # (steps, 2)
            rate = np.float32(-1 / (2 * sigma**2))
            down = np.exp(rate * (y[window[0], 0] - at[:, 1:]) ** 2)  # (steps, rows)
            across = np.exp(rate * (x[0, window[1]] - at[:, :1]) ** 2)  # (steps, columns)
            self._windows.append(window)
            self._profiles.append(down.T @ across / np.float32(len(path)))
            self.peak_share[n] = float(np.exp(rate * ((path[:, None] * smear) ** 2).sum(axis=1)).mean())

    def add_to(self, image: Floats, heights: Floats, share: Any = None) -> None:
        """Adds every spot, times its height, times `share(window)` where given."""
        for window, profile, height in zip(self._windows, self._profiles, heights, strict=True):
            if height > 0:
                light = np.float32(height) * profile
                image[window] += light if share is None else light * share(window)

    def means(self, values: Floats) -> Floats:
        """(n,) mean of an (H, W) array under each spot, weighted by its light; 0 outside the image."""
        found = [
            float((values[window] * profile).sum() / max(float(profile.sum()), 1e-12))
            for window, profile in zip(self._windows, self._profiles, strict=True)
        ]
        return np.array(found)


@dataclass(frozen=True)
class Glow:
    """What all reflections of one image have in common.

    Attributes:
        brightness: peak of a typical reflection above its surroundings, in grey levels.
        peaks: (C,) that of each LED's glint.
        sigmas: (C,) standard deviation of each LED's glint in pixels.
        smear: (2,) path of the motion blur in pixels.
    """

    brightness: float
    peaks: Floats
    sigmas: Floats
    smear: Floats


def add_distractors(
    rng: np.random.Generator, image: Floats, scene: EyeScene, rig: Rig, level: Level, glow: Glow
) -> None:
    """Adds what looks like a glint but is none: gloss, spots, clusters, streaks, LEDs in sclera or spectacles."""
    _add_gloss(rng, image, scene, level, glow)
    _add_spots(rng, image, scene, level, glow)
    _add_sclera_reflections(rng, image, scene, glow)
    if rng.random() < level.spectacles:
        _add_spectacles(rng, image, scene, rig, glow)
    if scene.variation.cluster:
        _add_cluster(rng, image, scene, scene.variation.cluster, glow)
    if scene.variation.lid_dots:
        _add_lid_dots(rng, image, scene, scene.variation.lid_dots, glow)
    for _ in range(scene.variation.streaks):
        _add_streak(rng, image, scene, glow)


def _add_gloss(rng: np.random.Generator, image: Floats, scene: EyeScene, level: Level, glow: Glow) -> None:
    """Small sparkles on skin and lid margin."""
    num = round(rng.uniform(*level.gloss))
    centres = scene.eye + rng.normal(0, 1, (num, 2)) * np.array([70, 30]) * scene.unit
    off_iris = np.linalg.norm(centres - scene.iris, axis=-1) > scene.iris_radius
    amounts = rng.exponential(1, num) * off_iris * glow.brightness * 2.5 * scene.unit**2
    gloss = splat(centres, amounts, image.shape)
    smooth(gloss)
    image += gloss


def _add_spots(rng: np.random.Generator, image: Floats, scene: EyeScene, level: Level, glow: Glow) -> None:
    """Spots as bright as glints, most of them off the iris."""
    num = round(rng.uniform(*level.spots))
    places = scene.eye + rng.uniform(-1, 1, (num, 2)) * np.array([100, 75]) * scene.unit
    on_iris = np.linalg.norm(places - scene.iris, axis=-1) < scene.iris_radius
    heights = glow.brightness * rng.uniform(0.3, 1.1, num) * (~on_iris | (rng.random(num) < scene.variation.iris_spots))
    sigmas = rng.uniform(0.7, 1.5, num) * glow.sigmas.mean()
    Spots(places, sigmas, glow.smear, image.shape).add_to(image, heights)


def _add_sclera_reflections(rng: np.random.Generator, image: Floats, scene: EyeScene, glow: Glow) -> None:
    """LEDs that miss the cornea; the sclera is rough and flatter: dimmer, larger, farther out."""
    off = np.flatnonzero(~scene.on_cornea)
    outward = scene.glints[off] - scene.iris
    places = scene.iris + outward * rng.uniform(1.05, 1.35, (len(off), 1))
    heights = glow.brightness * rng.uniform(0.1, 0.5, len(off))
    Spots(places, glow.sigmas[off] * 1.6, glow.smear, image.shape).add_to(image, heights)


def _add_spectacles(rng: np.random.Generator, image: Floats, scene: EyeScene, rig: Rig, glow: Glow) -> None:
    """The LEDs mirrored by a lens, and its haze."""
    unit = scene.unit
    place = scene.eye + rng.uniform(-1, 1, 2) * np.array([90, 70]) * unit
    ghost = place + rig.positions() * rng.uniform(15, 50) * unit
    lit = rng.random(rig.num_leds) < 0.8
    spots = Spots(ghost, np.full(rig.num_leds, rng.uniform(1.5, 4.5) * unit), glow.smear, image.shape)
    spots.add_to(image, glow.brightness * rng.uniform(0.5, 1.5, rig.num_leds) * lit)
    y, x = pixel_grid(image.shape)
    across = (x - np.float32(place[0])) / np.float32(rng.uniform(15, 60) * unit)
    down = (y - np.float32(place[1])) / np.float32(rng.uniform(5, 30) * unit)
    image += np.float32(rng.uniform(20, 120)) * np.exp(-(down**2)) * np.exp(-(across**2))


def _add_cluster(rng: np.random.Generator, image: Floats, scene: EyeScene, num: int, glow: Glow) -> None:
    """Reflections of a wet sclera or caruncle: crowded beside the limbus, as bright as glints."""
    angle = rng.choice([0, np.pi]) + rng.normal(0, 0.5)
    middle = scene.iris + np.array([np.cos(angle), np.sin(angle)]) * scene.iris_radius * rng.uniform(1.02, 1.6)
    places = middle + rng.normal(0, 1, (num, 2)) * rng.uniform(0.05, 0.3, 2) * scene.iris_radius
    heights = glow.brightness * rng.uniform(0.1, 1.2, num)
    heights *= np.linalg.norm(places - scene.iris, axis=-1) > 0.97 * scene.iris_radius
    sigmas = rng.uniform(0.5, 1.3, num) * glow.sigmas.mean()
    Spots(places, sigmas, glow.smear, image.shape).add_to(image, heights)


def _add_lid_dots(rng: np.random.Generator, image: Floats, scene: EyeScene, num: int, glow: Glow) -> None:
    """Dots of the tear film along the lower lid."""
    x = scene.eye[0] + rng.uniform(-1.5, 1.5, num) * scene.iris_radius
    _, lower = lid_edges(scene, x)
    places = np.stack([x, lower + rng.normal(0, 0.03, num) * scene.iris_radius], axis=-1)
    sigmas = rng.uniform(0.4, 1.1, num) * glow.sigmas.mean()
    Spots(places, sigmas, glow.smear, image.shape).add_to(image, glow.brightness * rng.uniform(0.05, 0.8, num))


def _add_streak(rng: np.random.Generator, image: Floats, scene: EyeScene, glow: Glow) -> None:
    """A long bright streak across the eye, as of a window or a scratched lens."""
    start = scene.iris + rng.uniform(-2, 2, 2) * scene.iris_radius
    angle, length = rng.uniform(0, np.pi), rng.uniform(0.5, 4) * scene.iris_radius
    along = np.linspace(-0.5, 0.5, 200)
    bend = rng.normal(0, 0.15) * length * along**2
    direction = np.array([np.cos(angle), np.sin(angle)])
    points = start + along[:, None] * length * direction + bend[:, None] * np.array([-direction[1], direction[0]])
    width = float(glow.sigmas.mean()) * rng.uniform(0.5, 1.5)
    light = splat(
        points, np.full(200, glow.brightness * rng.uniform(0.2, 0.8) * 2.5 * width * length / 200), image.shape
    )
    for _ in range(max(1, round(2 * width**2))):
        smooth(light)
    image += light
