"""Synthetic infrared eyes with known glints: pupil, iris, sclera, lids, and an LED ring that moves with the gaze.

The geometry is that of a sphere seen from the front: when the eye turns, the pupil moves with the eyeball's radius and
the corneal reflections about half as far (the principle of pupil-corneal-reflection tracking: Guestrin and Eizenman,
IEEE TBME 2006), so glints drift against the pupil and leave the cornea at large angles. An image is a function of
(seed, index) alone.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data.dataset_file import DEFAULT_SIGMA_MIN, DEFAULT_SIGMA_SCALE
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.heatmaps import render_heatmaps

Floats = NDArray[np.floating[Any]]

_DESIGN_SIZE = 256.0
_ROWS_AT_ONCE = 64
_MISSING_CHANCE = 0.06
_BLINK_CHANCE = 0.04


@dataclass(frozen=True)
class EyeScene:
    """Where things are in one image, in pixels.

    Attributes:
        eye: (2,) centre of the lid opening.
        iris: (2,) centre of the iris; `iris_radius` and `pupil_radius` belong to it.
        openness: 1 wide open, 0 closed.
        glints: (C, 2) every LED's reflection, whether visible or not.
        visible: (C,) bool.
    """

    eye: Floats
    iris: Floats
    iris_radius: float
    pupil_radius: float
    openness: float
    glints: Floats
    visible: NDArray[np.bool_]


def render_eye(seed: int, index: int, size: int, num_leds: int) -> tuple[NDArray[np.uint8], Floats]:
    """One synthetic eye.

    Args:
        seed, index: what the image is a function of.
        size: side of the square image in pixels.
        num_leds: C; LED 1 is at the top of the ring, the others follow clockwise.

    Returns:
        image: (size, size) uint8.
        keypoints: (C, 2) float32, (x, y) in image pixels; NaN where the LED has no visible reflection.
    """
    rng = np.random.Generator(np.random.Philox(key=[seed, index]))
    scene = _draw_scene(rng, size, num_leds)
    image = _paint(rng, scene, size)
    keypoints = np.where(scene.visible[:, None], scene.glints, np.float32(np.nan)).astype(np.float32)
    return image, keypoints


def _draw_scene(rng: np.random.Generator, size: int, num_leds: int) -> EyeScene:
    unit = size / _DESIGN_SIZE
    gaze = rng.uniform(-1, 1, 2)
    eye = size / 2 + rng.uniform(-14, 14, 2) * unit
    iris_radius = rng.uniform(46, 60) * unit
    iris = eye + gaze * np.array([34, 22]) * unit
    openness = rng.uniform(0, 0.12) if rng.random() < _BLINK_CHANCE else rng.uniform(0.6, 1)
    angle = 2 * np.pi * np.arange(num_leds) / num_leds - np.pi / 2
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=-1) * rng.uniform(17, 23) * unit
    stretch = 1 + 0.18 * ring @ gaze / (23 * unit)  # the ring's far side is imaged by the flatter part of the cornea
    glints = eye + gaze * np.array([17, 11]) * unit + ring * stretch[:, None]
    on_cornea = np.linalg.norm(glints - iris, axis=-1) < 0.95 * iris_radius
    upper, lower = _lids(eye, openness, unit, glints[:, 0])
    uncovered = (glints[:, 1] > upper + 2 * unit) & (glints[:, 1] < lower - 2 * unit)
    visible = on_cornea & uncovered & (rng.random(num_leds) >= _MISSING_CHANCE)
    pupil_radius = float(iris_radius * rng.uniform(0.28, 0.6))
    return EyeScene(eye, iris, float(iris_radius), pupil_radius, float(openness), glints.astype(np.float32), visible)


def _lids(eye: Floats, openness: float, unit: float, x: Floats) -> tuple[Floats, Floats]:
    """Rows of the upper and lower lid's edge at columns x: two parabolas that meet in the corners of the eye."""
    bulge = np.clip(1 - ((x - eye[0]) / (105 * unit)) ** 2, 0, None)
    closed = eye[1] + 22 * unit * bulge
    return closed - 74 * unit * openness * bulge, closed + 14 * unit * openness * bulge


def _paint(rng: np.random.Generator, scene: EyeScene, size: int) -> NDArray[np.uint8]:
    unit = size / _DESIGN_SIZE
    y, x = np.mgrid[:size, :size].astype(np.float32)
    soft = 1.2 * unit + rng.uniform(0, 1.5) * unit  # width of every edge: the lens' blur
    distance = np.hypot(x - scene.iris[0], y - scene.iris[1])
    image = rng.uniform(105, 150) + _smooth_noise(rng, size, 6, 12)  # sclera
    iris = rng.uniform(55, 95) + _smooth_noise(rng, size, 40, 9)
    image = _blend(image, iris, (scene.iris_radius - distance) / soft)
    image = _blend(image, rng.uniform(8, 32), (scene.pupil_radius - distance) / soft)
    upper, lower = _lids(scene.eye, scene.openness, unit, x[:1])
    skin = rng.uniform(115, 185) + _smooth_noise(rng, size, 5, 25) + _smooth_noise(rng, size, 64, 6)
    lashes = np.exp(-np.abs(y - upper) / (3 * unit)) * rng.uniform(20, 70)
    image = _blend(image, skin - lashes, np.maximum(upper - y, y - lower) / soft)
    for _ in range(rng.integers(0, 5)):  # distractors: moist skin, tear film on the lid's edge, sclera
        centre = scene.eye + rng.uniform(-95, 95, 2) * unit
        if np.hypot(*(centre - scene.iris)) > scene.iris_radius:
            _add_spot(image, centre, rng.uniform(0.8, 3) * unit, rng.uniform(60, 220))
    brightness = rng.uniform(170, 330)
    for centre in scene.glints[scene.visible]:
        _add_spot(image, centre, rng.uniform(1.5, 2.4) * unit, brightness * rng.uniform(0.75, 1))
    image += rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(1, 6)
    painted: NDArray[np.uint8] = np.clip(image + 0.5, 0, 255).astype(np.uint8)
    return painted


def _blend(below: Floats, above: Floats | float, coverage: Floats) -> Floats:
    """`above` painted over `below` where coverage > 0, with an edge one unit of coverage wide."""
    alpha = np.clip(coverage + 0.5, 0, 1)
    blended: Floats = below + alpha * (above - below)
    return blended


def _smooth_noise(rng: np.random.Generator, size: int, cells: int, amplitude: float) -> Floats:
    """Noise that varies over size / cells pixels, in +-amplitude: a small random grid, bilinearly enlarged."""
    grid = rng.uniform(-amplitude, amplitude, (cells + 1, cells + 1)).astype(np.float32)
    place = np.linspace(0, cells, size, dtype=np.float32)
    weights = np.clip(1 - np.abs(place[:, None] - np.arange(cells + 1, dtype=np.float32)), 0, 1)
    noise: Floats = weights @ grid @ weights.T
    return noise


def _add_spot(image: Floats, centre: Floats, sigma: float, height: float) -> None:
    """Adds a Gaussian spot at a sub-pixel centre, in the window where it counts."""
    reach = int(np.ceil(4 * sigma))
    left, top = np.maximum(np.floor(centre).astype(int) - reach, 0)
    right, bottom = np.floor(centre).astype(int) + reach + 2
    window = image[top : max(bottom, 0), left : max(right, 0)]
    rows = np.arange(top, top + window.shape[0], dtype=np.float32) - centre[1]
    columns = np.arange(left, left + window.shape[1], dtype=np.float32) - centre[0]
    window += height * np.exp(-(rows**2) / (2 * sigma**2))[:, None] * np.exp(-(columns**2) / (2 * sigma**2))


def write_synthetic(
    out_h5: Path,
    *,
    num: int,
    size: int,
    heatmap_size: int,
    num_leds: int,
    seed: int,
    compression: str | None = None,
) -> Iterator[int]:
    """Writes `num` synthetic eyes as a data set; yields the number of rows written so far.

    Raises:
        DatasetError: size / heatmap_size is not 1, 2 or 4.
    """
    writer = DatasetWriter(
        out_h5,
        num_classes=num_leds,
        image_size=(size, size),
        heatmap_size=(heatmap_size, heatmap_size),
        attributes={"sigma_scale": DEFAULT_SIGMA_SCALE, "sigma_min": DEFAULT_SIGMA_MIN, "prefix": "g", "seed": seed},
        compression=compression,
    )
    with writer:
        for start in range(0, num, _ROWS_AT_ONCE):
            indices = range(start, min(start + _ROWS_AT_ONCE, num))
            images, keypoints = map(np.stack, zip(*(render_eye(seed, i, size, num_leds) for i in indices), strict=True))
            stride = size // heatmap_size
            heatmaps = render_heatmaps(
                torch.from_numpy(keypoints), (heatmap_size, heatmap_size), stride, DEFAULT_SIGMA_MIN
            )
            stems = [f"synthetic_{seed}_{index:06d}" for index in indices]
            writer.append(images, heatmaps.numpy().astype(np.float16), keypoints, stems)
            yield writer.num_rows
