"""Layouts of rigs that nobody has described: another one for each image of a rig with `layout = "any"`.

A class-free network (ADR 15) that has seen many layouts finds the glints of any rig. A ring is what most rigs have;
columns beside the camera, arcs below it and scattered LEDs are the others, and one or two LEDs are common as well.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import Floats
from glint_unet.data.synthetic.rig import Rig

_FEW = 0.25  # share of the images with one or two LEDs
_KINDS = ("ring", "columns", "arc", "scattered")
_SHARES = (0.5, 0.2, 0.1, 0.2)
_LEAST_DISTANCE = 0.35  # between scattered LEDs, in units of the layout's size


def rig_of_image(rig: Rig, seed: int, index: int) -> Rig:
    """The rig that one image shows: `rig` itself, or one of up to as many LEDs in another layout.

    Args:
        rig: LEDs and camera.
        seed, index: what the layout is a function of, if the rig has any.
    """
    if not rig.any_layout:
        return rig
    rng = np.random.Generator(np.random.Philox(key=[seed, index]).jumped(3))
    return replace(rig, leds=tuple((float(x), float(y)) for x, y in sample_layout(rng, rig.num_leds)))


def padded_keypoints(keypoints: NDArray[np.float32], num_leds: int) -> NDArray[np.float32]:
    """(n, 2) keypoints -> (num_leds, 2), the missing ones absent."""
    missing = np.full((num_leds - len(keypoints), 2), np.nan, np.float32)
    return np.concatenate([keypoints, missing])


def sample_layout(rng: np.random.Generator, most: int) -> Floats:
    """(n, 2) positions of 1 to `most` LEDs, x right and y down; the largest distance from the middle is about 1."""
    few = rng.random() < _FEW or most < 3
    num = int(rng.integers(1, min(most, 2) + 1) if few else rng.integers(3, most + 1))
    turn = rng.uniform(0, 2 * np.pi)
    if num == 1:
        return rng.uniform(0, 1) * np.array([[np.cos(turn), np.sin(turn)]])
    kind = "ring" if num == 2 else rng.choice(_KINDS, p=_SHARES)
    if kind == "columns":
        return _columns(rng, num)
    if kind == "scattered":
        return _scattered(rng, num)
    span = 2 * np.pi if kind == "ring" else rng.uniform(0.4, 1.6) * np.pi
    steps = np.arange(num) / (num if kind == "ring" else num - 1)
    angles = turn + span * (steps + rng.uniform(-0.15, 0.15, num) / num)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1) * rng.uniform(0.85, 1.0, (num, 1))


def _columns(rng: np.random.Generator, num: int) -> Floats:
    """Two columns, or rows, with or without an LED more in one of them."""
    left = num // 2
    heights = [np.linspace(-1, 1, n) if n > 1 else np.zeros(1) for n in (left, num - left)]
    width = rng.uniform(0.4, 1.0)
    points = np.concatenate(
        [np.stack([np.full(len(y), x), y], -1) for x, y in zip((-width, width), heights, strict=True)]
    )
    points /= np.linalg.norm(points, axis=-1).max()
    return points[:, ::-1].copy() if rng.random() < 0.4 else points


def _scattered(rng: np.random.Generator, num: int) -> Floats:
    """LEDs anywhere in the unit disc, none nearer to another than a distance that leaves room for all."""
    least = min(_LEAST_DISTANCE, 1.2 / np.sqrt(num))
    points: list[Floats] = []
    while len(points) < num:
        angle, radius = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
        point = radius * np.array([np.cos(angle), np.sin(angle)])
        if all(np.linalg.norm(point - other) >= least for other in points):
            points.append(point)
        else:
            least *= 0.99
    return np.stack(points)
