"""Synthetic infrared eyes with known glints, rich enough to train without any annotation.

The idea of training on drawn eyes is that of LEyes (Byrne, Maquiling et al. 2023/25); geometry, optics and drawing are
our own. When the eye turns, the pupil moves with the eyeball's radius and the corneal reflections about half as far
(the principle of pupil-corneal-reflection tracking: Guestrin and Eizenman, IEEE TBME 2006), so glints drift against the
pupil and leave the cornea at large angles. The LEDs' layout is imaged by a convex mirror: larger towards its edge,
stretched along the gaze. The scene is linear light; defocus, motion, vignetting, noise and 8-bit clipping come last,
so a bright glint has a plateau and a dim one drowns in noise.

A keypoint is the true centre of an LED's reflection. It is absent where the LED is off, the reflection misses the
cornea, lids or lashes take more than half of its light, or it does not stand out: by three standard deviations of the
noise and `_LEAST_CONTRAST` grey levels after clipping.

An image is a function of (rig, seed, index) alone.
"""

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data.dataset_file import DEFAULT_SIGMA_SCALE
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.data.synthetic.rig import Rig

Floats = NDArray[np.floating[Any]]
Range = tuple[float, float]

_DESIGN_SIDE = 256.0  # every length below is in pixels of an image whose shorter side is this
_ROWS_AT_ONCE = 64
_LEAST_TRANSMISSION = 0.5
_LEAST_CONTRAST = 12.0
_WHITE = 255.0
_POINTS_PER_LASH = 28


@dataclass(frozen=True)
class Level:
    """How hard the scenes are; ranges are (least, greatest), drawn evenly unless said otherwise.

    Attributes:
        gaze: greatest eye rotation; 1 brings the iris near the corner of the eye.
        shift: greatest shift of the eye from the middle of the image.
        roll_deg: greatest roll of the head.
        openness: of the lids; 1 is wide open.
        blink, missing: chance of a closed or closing eye; chance of each LED to be off.
        peak: height of a glint above its surroundings in grey levels before clipping, drawn evenly in its logarithm.
        peak_spread: an LED's peak is this much of the image's, drawn evenly in its logarithm.
        sigma: standard deviation of a glint.
        defocus, motion: standard deviation of the blur, and length of the smear.
        noise: standard deviation of read noise in grey levels; `shot`: of shot noise at white.
        spots: number of bright spots that are no glints, each as bright as a glint.
        gloss: number of small sparkles on skin and lid margin.
        lashes: number of lashes; `droop`: chance of each upper one to hang over the eye.
        spectacles: chance of reflections on a lens before the eye.
        vignetting: greatest loss of light in the corners.
        bright_pupil: chance of an LED near the camera's axis, which makes the pupil bright.
    """

    gaze: float
    shift: float
    roll_deg: float
    openness: Range
    blink: float
    missing: float
    peak: Range
    peak_spread: float
    sigma: Range
    defocus: Range
    motion: Range
    noise: Range
    shot: Range
    spots: Range
    gloss: Range
    lashes: Range
    droop: float
    spectacles: float
    vignetting: float
    bright_pupil: float


LEVELS = {
    "easy": Level(
        gaze=0.8, shift=12, roll_deg=5, openness=(0.65, 1), blink=0.03, missing=0.04, peak=(130, 500), peak_spread=0.7,
        sigma=(1.5, 2.4), defocus=(0, 0.8), motion=(0, 0.5), noise=(1, 4), shot=(0, 2), spots=(0, 5), gloss=(0, 35),
        lashes=(10, 30), droop=0.05, spectacles=0.0, vignetting=0.15, bright_pupil=0.0,
    ),
    "medium": Level(
        gaze=1.0, shift=20, roll_deg=9, openness=(0.5, 1), blink=0.05, missing=0.08, peak=(70, 900), peak_spread=0.5,
        sigma=(1.3, 2.8), defocus=(0, 1.5), motion=(0, 2.5), noise=(2, 8), shot=(0, 4), spots=(0, 10), gloss=(0, 90),
        lashes=(15, 45), droop=0.2, spectacles=0.12, vignetting=0.3, bright_pupil=0.05,
    ),
    "hard": Level(
        gaze=1.1, shift=30, roll_deg=15, openness=(0.3, 1), blink=0.08, missing=0.15, peak=(40, 1500), peak_spread=0.35,
        sigma=(1.1, 3.2), defocus=(0, 2.5), motion=(0, 6), noise=(3, 14), shot=(0, 8), spots=(2, 20), gloss=(0, 200),
        lashes=(20, 60), droop=0.35, spectacles=0.35, vignetting=0.5, bright_pupil=0.12,
    ),
}  # fmt: skip


@dataclass(frozen=True)
class EyeScene:
    """Where things are in one image, in pixels.

    Attributes:
        unit: pixels per design pixel.
        eye: (2,) centre of the lid opening.
        iris: (2,) centre of the iris; `iris_radius` and `pupil_radius` belong to it.
        squeeze: (2, 2) matrix that makes a turned iris's ellipse a circle again.
        openness: 1 wide open, 0 closed; `tilt`: slope of the line between the corners of the eye.
        glints: (C, 2) every LED's reflection, whether visible or not.
        on_cornea: (C,) bool.
        gaze: (2,) direction, length 1 at the corner of the eye.
    """

    unit: float
    eye: Floats
    iris: Floats
    iris_radius: float
    pupil_radius: float
    squeeze: Floats
    openness: float
    tilt: float
    glints: Floats
    on_cornea: NDArray[np.bool_]
    gaze: Floats


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
    scene = _draw_scene(rng, rig, level)
    image, visible = _paint(rng, scene, rig, level)
    keypoints = np.where(visible[:, None], scene.glints, np.float32(np.nan)).astype(np.float32)
    return image, keypoints


def _draw_scene(rng: np.random.Generator, rig: Rig, level: Level) -> EyeScene:
    H, W = rig.image_size
    unit = min(H, W) / _DESIGN_SIDE
    gaze = _in_disc(rng) * level.gaze
    eye = np.array([W / 2, H / 2]) + rng.uniform(-level.shift, level.shift, 2) * unit
    scale = rng.uniform(0.92, 1.08)
    iris_radius = rng.uniform(46, 60) * unit * scale
    iris = eye + gaze * np.array([36, 24]) * unit * scale
    openness = rng.uniform(0, 0.3) if rng.random() < level.blink else rng.uniform(*level.openness)
    roll = np.deg2rad(rng.uniform(-level.roll_deg, level.roll_deg))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    leds = rig.positions() @ turn.T + rng.uniform(-0.03, 0.03, (rig.num_leds, 2))
    distance = np.linalg.norm(leds, axis=-1)
    mirror = 1 + 0.06 * (distance**2 - 1) + 0.18 * leds @ gaze  # larger towards the flatter edge of the cornea
    layout = leds * (mirror * rng.uniform(*rig.layout_size) * iris_radius)[:, None]
    head = rng.uniform(-3, 3, 2) * unit  # the camera is not on the LEDs' axis
    glints = eye + gaze * np.array([18, 12]) * unit * scale + head + layout
    on_cornea = np.linalg.norm(glints - iris, axis=-1) < 0.94 * iris_radius
    angle = min(float(np.linalg.norm(gaze)), 1.2) * 0.5  # radians
    along = gaze / max(float(np.linalg.norm(gaze)), 1e-6)
    squeeze = np.eye(2) + (1 / np.cos(angle) - 1) * np.outer(along, along)
    return EyeScene(
        unit=unit,
        eye=eye,
        iris=iris,
        iris_radius=float(iris_radius),
        pupil_radius=float(iris_radius * rng.uniform(0.25, 0.65)),
        squeeze=squeeze,
        openness=float(openness),
        tilt=float(np.tan(roll) + rng.uniform(-0.06, 0.06)),
        glints=glints.astype(np.float32),
        on_cornea=on_cornea,
        gaze=gaze,
    )


def _in_disc(rng: np.random.Generator) -> Floats:
    angle, radius = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
    point: Floats = np.array([np.cos(angle), np.sin(angle)]) * radius
    return point


def _paint(
    rng: np.random.Generator, scene: EyeScene, rig: Rig, level: Level
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """The image, and which glints can be seen in it."""
    unit, (H, W) = scene.unit, rig.image_size
    defocus = rng.uniform(*level.defocus) * unit
    smear = _in_disc(rng) * rng.uniform(*level.motion) * unit
    soft = float(np.hypot(1.2 * unit + 0.3, 2.5 * defocus))  # width of every edge
    image = _eyeball(rng, scene, level, (H, W), soft)
    cover = _lids(scene, (H, W), soft)
    lashes = _lashes(rng, scene, level, (H, W), max(1, round(2 * defocus)))
    skin = rng.uniform(90, 190) + _smooth_noise(rng, (H, W), 5, 30) + _smooth_noise(rng, (H, W), 48, 8)
    image += cover * (skin - image)
    _tear_line(rng, image, scene)
    image += lashes * (rng.uniform(15, 70) - image)
    image *= _light(rng, (H, W), level)
    if np.abs(smear).max() > 0.5:
        image = _smeared(image, smear)

    brightness = np.exp(rng.uniform(*np.log(level.peak)))
    peaks = brightness * level.peak_spread ** rng.random(rig.num_leds)
    sigmas = np.hypot(rng.uniform(*level.sigma) * unit * rng.uniform(0.9, 1.1, rig.num_leds), defocus)
    _distractors(rng, image, scene, rig, level, brightness, sigmas, smear)
    glints = _Spots(scene.glints, sigmas, smear, (H, W))
    transmission = glints.means(1 - cover) * glints.means(1 - lashes)
    is_lit = (rng.random(rig.num_leds) >= level.missing) & scene.on_cornea
    heights = np.where(is_lit, peaks * transmission, 0)
    before = glints.means(image)
    glints.add_to(image, heights, lambda window: (1 - cover[window]) * (1 - lashes[window]))
    read_noise, shot_noise = rng.uniform(*level.noise), rng.uniform(*level.shot)
    contrast = np.minimum(before + heights * glints.peak_share, _WHITE) - np.minimum(before, _WHITE)
    stands_out = contrast >= max(_LEAST_CONTRAST, 3 * float(np.hypot(read_noise, shot_noise * 0.6)))
    np.maximum(image, 0, out=image)
    noise = rng.standard_normal((H, W), dtype=np.float32)
    image += noise * np.sqrt(np.float32(read_noise**2) + image * np.float32(shot_noise**2 / _WHITE))
    inside = ((scene.glints >= 0) & (scene.glints <= np.array([W - 1, H - 1]))).all(axis=-1)
    visible = is_lit & (transmission >= _LEAST_TRANSMISSION) & stands_out & inside
    painted: NDArray[np.uint8] = np.clip(image + np.float32(0.5), 0, 255).astype(np.uint8)
    return painted, visible


def _eyeball(rng: np.random.Generator, scene: EyeScene, level: Level, size: tuple[int, int], soft: float) -> Floats:
    """Sclera, iris with its texture, pupil."""
    image = rng.uniform(95, 165) + _smooth_noise(rng, size, 6, 15)
    reach = 1.05 * scene.iris_radius + 2 * soft
    window = _window(scene.iris, reach, size)
    y, x = _grid(size)
    dx, dy = x[:, window[1]] - np.float32(scene.iris[0]), y[window[0]] - np.float32(scene.iris[1])
    a, b, d = (np.float32(v) for v in (scene.squeeze[0, 0], scene.squeeze[0, 1], scene.squeeze[1, 1]))
    u, v = a * dx + b * dy, b * dx + d * dy
    distance = np.sqrt(u * u + v * v)
    turn = np.arctan2(v, u) * np.float32(64 / np.pi) + 64
    streaks = rng.uniform(-1, 1, 130).astype(np.float32)
    texture = streaks[turn.astype(np.int32)] * np.float32(rng.uniform(2, 14))
    tone = rng.uniform(40, 105)
    ring = rng.uniform(-12, 18) * np.clip(1 - np.abs(distance / scene.iris_radius - 0.5) * 3, 0, 1)  # the collarette
    part = image[window]
    part += np.clip((scene.iris_radius - distance) / (2.5 * soft) + 0.5, 0, 1) * (tone + texture + ring - part)
    pupil = rng.uniform(110, 200) if rng.random() < level.bright_pupil else rng.uniform(5, 38)
    part += np.clip((scene.pupil_radius - distance) / soft + 0.5, 0, 1) * (pupil - part)
    return image


def _lid_rows(scene: EyeScene, x: Floats) -> tuple[Floats, Floats]:
    """Rows of the upper and lower lid's edge at columns x: two parabolas that meet in the corners of the eye."""
    bulge = np.clip(1 - ((x - scene.eye[0]) / (108 * scene.unit)) ** 2, 0, None)
    closed = scene.eye[1] + 24 * scene.unit * bulge + scene.tilt * (x - scene.eye[0])
    upper = closed - 78 * scene.unit * scene.openness * bulge
    return upper, closed + 16 * scene.unit * scene.openness * bulge


def _lids(scene: EyeScene, size: tuple[int, int], soft: float) -> Floats:
    """(H, W): 1 where a lid covers the eye."""
    y, x = _grid(size)
    upper, lower = (edge.astype(np.float32) for edge in _lid_rows(scene, x))
    cover: Floats = np.clip(np.maximum(upper - y, y - lower) / np.float32(soft) + 1, 0, 1)
    return cover


def _lashes(rng: np.random.Generator, scene: EyeScene, level: Level, size: tuple[int, int], smoothings: int) -> Floats:
    """(H, W): share of each pixel that lashes cover; curves from the lids' edges, of area width times length."""
    unit = scene.unit
    num_upper, num_lower = round(rng.uniform(*level.lashes)), round(0.4 * rng.uniform(*level.lashes))
    num = num_upper + num_lower
    is_upper = np.arange(num) < num_upper
    root_x = scene.eye[0] + rng.uniform(-95, 95, num) * unit
    upper, lower = _lid_rows(scene, root_x)
    root = np.stack([root_x, np.where(is_upper, upper, lower)], axis=-1)
    hangs = ~is_upper | (rng.random(num) < level.droop)
    fan = 0.9 * (root_x - scene.eye[0]) / (95 * unit) + rng.normal(0, 0.25, num)
    direction = np.stack([np.sin(fan), np.where(hangs, 1, -1) * np.cos(fan)], axis=-1)
    length = np.where(is_upper, rng.uniform(22, 52, num), rng.uniform(8, 20, num)) * unit
    bend = rng.normal(0, 0.35, (num, 1)) * np.stack([-direction[:, 1], direction[:, 0]], axis=-1)
    t = np.linspace(0, 1, _POINTS_PER_LASH)[None, :, None]
    points = root[:, None] + length[:, None, None] * (t * direction[:, None] + t**2 * bend[:, None])
    width = rng.uniform(0.8, 2.2, num) * unit
    areas = (width * length / _POINTS_PER_LASH)[:, None] * (1 - 0.8 * t[..., 0])
    cover = _splat(points.reshape(-1, 2), areas.ravel(), size)
    for _ in range(smoothings):
        _smooth(cover)
    return np.minimum(cover, 0.95, out=cover)


def _tear_line(rng: np.random.Generator, image: Floats, scene: EyeScene) -> None:
    """The bright line of the tear film on the lower lid's edge, in pieces."""
    num = 120
    if rng.random() < 0.4 or scene.openness < 0.15:
        return
    x = scene.eye[0] + np.linspace(-90, 90, num) * scene.unit
    _, lower = _lid_rows(scene, x)
    strength = np.clip(np.repeat(rng.uniform(-1, 1, num // 8), 8), 0, 1) * rng.uniform(30, 200)
    points = np.stack([x, lower - rng.uniform(0, 1.5) * scene.unit], axis=-1)
    line = _splat(points, strength * scene.unit**2 * 2, image.shape)
    _smooth(line)
    image += line


def _light(rng: np.random.Generator, size: tuple[int, int], level: Level) -> Floats:
    """(H, W): vignetting and uneven lighting, as a factor."""
    y, x = _grid(size)
    middle = (np.array(size) - 1) / 2
    across = (x - np.float32(middle[1])) / np.float32(middle[1])
    down = (y - np.float32(middle[0])) / np.float32(middle[0])
    loss, slope = rng.uniform(0, level.vignetting), rng.uniform(-0.6, 0.6, 2) * level.vignetting
    column = 1 - np.float32(loss / 2) * down**2 + np.float32(slope[1]) * down
    row = -np.float32(loss / 2) * across**2 + np.float32(slope[0]) * across
    light: Floats = np.float32(rng.uniform(0.75, 1.15)) * (column + row)
    return light


def _smeared(image: Floats, smear: Floats) -> Floats:
    """The mean of the image over the path of the motion, in whole pixels; the border is repeated."""
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


def _distractors(
    rng: np.random.Generator,
    image: Floats,
    scene: EyeScene,
    rig: Rig,
    level: Level,
    brightness: float,
    sigmas: Floats,
    smear: Floats,
) -> None:
    """What looks like a glint and is none: gloss, spots, LEDs mirrored by the sclera or by spectacles."""
    unit, size = scene.unit, rig.image_size
    num_gloss = round(rng.uniform(*level.gloss))
    centres = scene.eye + rng.normal(0, 1, (num_gloss, 2)) * np.array([70, 30]) * unit
    off_iris = np.linalg.norm(centres - scene.iris, axis=-1) > scene.iris_radius
    gloss = _splat(centres, rng.exponential(1, num_gloss) * off_iris * brightness * 2.5 * unit**2, size)
    _smooth(gloss)
    image += gloss

    num = round(rng.uniform(*level.spots))
    places = scene.eye + rng.uniform(-1, 1, (num, 2)) * np.array([100, 75]) * unit
    on_iris = np.linalg.norm(places - scene.iris, axis=-1) < scene.iris_radius
    heights = brightness * rng.uniform(0.3, 1.1, num) * (~on_iris | (rng.random(num) < 0.25))
    _Spots(places, rng.uniform(0.7, 1.5, num) * sigmas.mean(), smear, size).add_to(image, heights)

    off = np.flatnonzero(~scene.on_cornea)  # the sclera is rough and flatter: dimmer, larger, drawn outwards
    outward = scene.glints[off] - scene.iris
    places = scene.iris + outward * rng.uniform(1.05, 1.35, (len(off), 1))
    _Spots(places, sigmas[off] * 1.6, smear, size).add_to(image, brightness * rng.uniform(0.1, 0.5, len(off)))

    if rng.random() < level.spectacles:
        place = scene.eye + rng.uniform(-1, 1, 2) * np.array([90, 70]) * unit
        ghost = place + rig.positions() * rng.uniform(15, 50) * unit
        lit = rng.random(rig.num_leds) < 0.8
        _Spots(ghost, np.full(rig.num_leds, rng.uniform(1.5, 4.5) * unit), smear, size).add_to(
            image, brightness * rng.uniform(0.5, 1.5, rig.num_leds) * lit
        )
        y, x = _grid(size)
        across = (x - np.float32(place[0])) / np.float32(rng.uniform(15, 60) * unit)
        down = (y - np.float32(place[1])) / np.float32(rng.uniform(5, 30) * unit)
        glow = np.float32(rng.uniform(20, 120)) * np.exp(-(down**2)) * np.exp(-(across**2))
        image += glow


class _Spots:
    """Gaussian spots at sub-pixel centres, smeared along a path; each only in the window where it counts.

    Args:
        centres: (n, 2), (x, y) in pixels.
        sigmas: (n,) standard deviations in pixels.
        smear: (2,) the path in pixels.
        size: (H, W) of the image.
    """

    def __init__(self, centres: Floats, sigmas: Floats, smear: Floats, size: tuple[int, int]) -> None:
        path = np.linspace(-0.5, 0.5, 7) if np.hypot(*smear) > 0.2 else np.zeros(1)
        self._windows, self._profiles = [], []
        self.peak_share = np.ones(len(centres))
        y, x = _grid(size)
        for n, (centre, sigma) in enumerate(zip(centres, sigmas, strict=True)):
            window = _window(centre, 3.5 * sigma + 1 + float(np.hypot(*smear)) / 2, size)
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


def _window(centre: Floats, reach: float, size: tuple[int, int]) -> tuple[slice, slice]:
    """Rows and columns within `reach` of a centre."""
    (x, y), (H, W) = centre, size
    rows = slice(min(max(int(y - reach), 0), H), min(max(int(y + reach) + 2, 0), H))
    columns = slice(min(max(int(x - reach), 0), W), min(max(int(x + reach) + 2, 0), W))
    return rows, columns


@functools.lru_cache(maxsize=4)
def _grid(size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Row numbers (H, 1) and column numbers (1, W), float32."""
    H, W = size
    return np.arange(H, dtype=np.float32)[:, None], np.arange(W, dtype=np.float32)[None, :]


def _splat(points: Floats, amounts: Floats, size: tuple[int, ...]) -> Floats:
    """(H, W) float32: each point's amount, shared among the four pixels around it."""
    H, W = size
    floor = np.floor(points)
    fraction = points - floor
    column, row = floor.astype(np.int64).T
    total = np.zeros(H * W)
    for dy in (0, 1):
        for dx in (0, 1):
            share = np.abs(1 - dx - fraction[:, 0]) * np.abs(1 - dy - fraction[:, 1]) * amounts
            inside = (column + dx >= 0) & (column + dx < W) & (row + dy >= 0) & (row + dy < H)
            index = ((row + dy) * W + column + dx)[inside]
            total += np.bincount(index, weights=share[inside], minlength=H * W)
    return total.reshape(H, W).astype(np.float32)


def _smooth(image: Floats) -> None:
    """Blurs in place by 1-2-1 along both axes; the outermost pixels stay."""
    image[1:-1] += (image[:-2] - 2 * image[1:-1] + image[2:]) * np.float32(0.25)
    image[:, 1:-1] += (image[:, :-2] - 2 * image[:, 1:-1] + image[:, 2:]) * np.float32(0.25)


def _smooth_noise(rng: np.random.Generator, size: tuple[int, int], cells: int, amplitude: float) -> Floats:
    """(H, W) float32 noise in +-amplitude: a random grid of `cells` by `cells`, bilinearly enlarged."""
    grid = rng.uniform(-amplitude, amplitude, (cells + 1, cells + 1)).astype(np.float32)
    down, across = (_hat_functions(side, cells) for side in size)
    noise: Floats = down @ grid @ across.T
    return noise


@functools.lru_cache(maxsize=16)
def _hat_functions(side: int, cells: int) -> Floats:
    place = np.linspace(0, cells, side, dtype=np.float32)
    weights: Floats = np.clip(1 - np.abs(place[:, None] - np.arange(cells + 1, dtype=np.float32)), 0, 1)
    return weights


def render_eyes(rig: Rig, seed: int, indices: Any) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Several eyes: images (B, H, W) uint8 and keypoints (B, C, 2) float32, as `render_eye` gives them."""
    eyes = [render_eye(rig, seed, int(index)) for index in indices]
    return np.stack([image for image, _ in eyes]), np.stack([keypoints for _, keypoints in eyes])


def write_synthetic(out_h5: Path, rig: Rig, *, num: int, seed: int, compression: str | None = None) -> Iterator[int]:
    """Writes `num` synthetic eyes as a data set; yields the number of rows written so far.

    Raises:
        DatasetError: the rig's stride is not 1, 2 or 4.
    """
    writer = DatasetWriter(
        out_h5,
        num_classes=rig.num_leds,
        image_size=rig.image_size,
        heatmap_size=rig.heatmap_size,
        attributes={
            "sigma_scale": DEFAULT_SIGMA_SCALE,
            "sigma_min": rig.sigma_heatmap_px,
            "prefix": "g",
            "seed": seed,
            "level": rig.level,
        },
        compression=compression,
    )
    with writer:
        for start in range(0, num, _ROWS_AT_ONCE):
            indices = range(start, min(start + _ROWS_AT_ONCE, num))
            images, keypoints = render_eyes(rig, seed, indices)
            heatmaps = render_heatmaps(torch.from_numpy(keypoints), rig.heatmap_size, rig.stride, rig.sigma_heatmap_px)
            stems = [f"synthetic_{rig.level}_{seed}_{index:06d}" for index in indices]
            writer.append(images, heatmaps.numpy().astype(np.float16), keypoints, stems)
            yield writer.num_rows
