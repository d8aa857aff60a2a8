"""Finds pupil and iris in a real image without any labels, so that glints can be painted where a cornea is.

A pupil is a dark disc whose surroundings are brighter in nearly every direction (a centre-surround search as in
Swirski et al., ETRA 2012, here robust to glints, lids and dark borders), with an edge along most rays from its centre.
The iris is the circle around it with the strongest brightening towards both sides (Daugman's integro-differential
operator, IEEE TCSVT 2004, on the arcs that lids leave free). Only dark pupils are found.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.images import resize_image
from glint_unet.data.synthetic.bright_spots import opened
from glint_unet.data.synthetic.canvas import Floats, box_mean

_COARSE_SIDE = 96  # shorter side of the image in which dark discs are searched
_FINE_SIDE = 240  # shorter side of the image in which edges are measured
_COARSE_RADII = (2.5, 3.2, 4.1, 5.2, 6.6, 8.4, 10.7, 13.6, 17.3)
_NUM_CANDIDATES = 12
_NUM_RAYS = 48
_LEAST_STEP = 0.08  # of the logarithm of brightness, from pupil to iris and from there to the sclera
_DARK = 8.0  # grey levels added before the logarithm, so that the noise of black is not magnified
_LEAST_INLIERS = 0.6
_IRIS_RATIO = (1.35, 5.5)  # iris radius in pupil radii
_RADIUS_RATIO = 1.35  # greatest ratio of a frame's iris radius to the median over all frames
_TONE_RATIO, _TONE_SLACK = 1.6, 16.0  # greatest ratio of its pupil's grey level to the median, both plus the slack


@dataclass(frozen=True)
class FoundEye:
    """Pupil and iris of one image, in pixels of that image.

    Attributes:
        pupil: (2,) centre (x, y).
        pupil_radius: mean radius.
        iris: (2,) centre.
        iris_radius: mean radius.
        tone: grey level of the pupil.
        score: how clear the edges are; for comparison within one image.
    """

    pupil: Floats
    pupil_radius: float
    iris: Floats
    iris_radius: float
    tone: float
    score: float

    def moved(self, factor: Floats, shift: Floats) -> "FoundEye":
        """The same eye in an image enlarged by `factor` (x, y) and then shifted by `shift` (x, y) pixels."""
        mean = float(np.sqrt(factor[0] * factor[1]))
        pupil, iris = ((point + 0.5) * factor - 0.5 + shift for point in (self.pupil, self.iris))
        return FoundEye(pupil, self.pupil_radius * mean, iris, self.iris_radius * mean, self.tone, self.score)

    def mirrored(self, width: int) -> "FoundEye":
        """The same eye in the mirror image, `width` pixels wide."""
        pupil, iris = (np.array([width - 1 - x, y]) for x, y in (self.pupil, self.iris))
        return FoundEye(pupil, self.pupil_radius, iris, self.iris_radius, self.tone, self.score)


def eye_candidates(image: NDArray[np.uint8]) -> list[FoundEye]:
    """What may be pupil and iris in an (H, W) uint8 image, best first; empty where nothing is, as in a blink."""
    fine = _shrunk(image, _FINE_SIDE)
    smooth = _logarithm(opened(fine.astype(np.float32), 5))
    found: list[FoundEye] = []
    for x, y, radius in _dark_discs(image, fine.shape):
        eye = _measured(smooth, np.array([x, y]), radius, found)
        if eye is not None:
            found.append(eye)
    factor = np.array([image.shape[1] / fine.shape[1], image.shape[0] / fine.shape[0]])
    return [eye.moved(factor, np.zeros(2)) for eye in sorted(found, key=lambda each: -each.score)]


def likeliest_eyes(candidates: list[list[FoundEye]]) -> list[FoundEye | None]:
    """The eye of each of several frames of one rig, whose irises are about equally large and pupils equally dark.

    Args:
        candidates: `eye_candidates` of each frame, all scaled to frames of the same size.

    Returns:
        For each frame the best candidate that is like the others' best; None where there is none.
    """
    best = [frame[0] for frame in candidates if frame]
    if not best:
        return [None] * len(candidates)
    radius = float(np.median([eye.iris_radius for eye in best]))
    tone = float(np.median([eye.tone for eye in best]))

    def is_like_the_others(eye: FoundEye) -> bool:
        ratio = eye.iris_radius / radius
        is_dark = eye.tone + _TONE_SLACK <= _TONE_RATIO * (tone + _TONE_SLACK)
        return is_dark and 1 / _RADIUS_RATIO <= ratio <= _RADIUS_RATIO

    return [next(filter(is_like_the_others, frame), None) for frame in candidates]


def _logarithm(image: Floats) -> Floats:
    logarithm: Floats = np.log(image + np.float32(_DARK))
    return logarithm


def _shrunk(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    scale = side / min(image.shape)
    return resize_image(image, (max(round(image.shape[0] * scale), 1), max(round(image.shape[1] * scale), 1)))


def _dark_discs(image: NDArray[np.uint8], fine_size: tuple[int, ...]) -> list[tuple[float, float, float]]:
    """(x, y, radius) in pixels of the fine image: the places darkest against all their surroundings, best first."""
    coarse = _logarithm(opened(_shrunk(image, _COARSE_SIDE).astype(np.float32), 2))
    found: list[tuple[float, float, float, float]] = []
    for radius in _COARSE_RADII:
        response = _darker_than_around(coarse, radius)
        for _ in range(_NUM_CANDIDATES):
            y, x = divmod(int(response.argmax()), response.shape[1])
            if response[y, x] <= 0:
                break
            found.append((float(response[y, x]), float(x), float(y), radius))
            reach = int(np.ceil(radius))
            response[max(y - reach, 0) : y + reach + 1, max(x - reach, 0) : x + reach + 1] = 0
    found.sort(reverse=True)
    kept: list[tuple[float, float, float, float]] = []
    for one in found:
        _, x, y, radius = one
        if not any(
            np.hypot(x - other[1], y - other[2]) < 0.5 * other[3] and 0.7 < radius / other[3] < 1.4 for other in kept
        ):
            kept.append(one)
    factor = fine_size[0] / coarse.shape[0]
    return [((x + 0.5) * factor - 0.5, (y + 0.5) * factor - 0.5, r * factor) for _, x, y, r in kept[:_NUM_CANDIDATES]]


def _darker_than_around(image: Floats, radius: float) -> Floats:
    """(H, W): by how many grey levels the disc around each pixel is darker than the darker of its surroundings."""
    H, W = image.shape
    disc = box_mean(image, max(round(0.7 * radius), 1))
    patch = box_mean(image, max(round(0.3 * radius), 1))
    reach = round(1.7 * radius)
    wide = np.pad(patch, reach, mode="edge")
    around = []
    for angle in np.arange(12) * (np.pi / 6):
        dx, dy = round(1.6 * radius * np.cos(angle)), round(1.6 * radius * np.sin(angle))
        around.append(wide[reach + dy : reach + dy + H, reach + dx : reach + dx + W])
    ordered = np.partition(np.stack(around), 3, axis=0)
    response: Floats = ordered[3] - disc
    edge = round(0.7 * radius)
    response[:edge] = response[H - edge :] = response[:, :edge] = response[:, W - edge :] = 0
    return response


def _measured(image: Floats, centre: Floats, radius: float, known: list[FoundEye]) -> FoundEye | None:
    """Pupil and iris around a dark disc; None where the edges are too weak, or lead to an eye already known."""
    for _ in range(3):
        edge = _pupil_edge(image, centre, radius)
        if edge is None:
            return None
        centre, radius, contrast, inliers = edge
    is_known = any(
        np.linalg.norm(eye.pupil - centre) < 0.2 * radius and 0.8 < eye.pupil_radius / radius < 1.25 for eye in known
    )
    if contrast < _LEAST_STEP or inliers < _LEAST_INLIERS or is_known:
        return None
    iris, iris_radius, step = _iris_edge(image, centre, radius)
    if step < _LEAST_STEP:
        return None
    tone = float(np.exp(np.median(sampled(image, centre + 0.5 * radius * _directions(12)))))
    score = inliers**2 * float(np.sqrt(contrast * step)) / tone
    return FoundEye(centre, radius, iris, iris_radius, tone - _DARK, score)


def _directions(num: int) -> Floats:
    """(num, 2) unit vectors in all directions."""
    angles = np.arange(num) * (2 * np.pi / num)
    return np.stack([np.cos(angles), np.sin(angles)], axis=-1)


def _pupil_edge(image: Floats, centre: Floats, radius: float) -> tuple[Floats, float, float, float] | None:
    """Centre, radius, contrast and share of agreeing rays of the dark disc's edge, from a first guess."""
    directions = _directions(_NUM_RAYS)
    radii = np.linspace(0.6 * radius, 1.5 * radius, 40)
    profile = sampled(image, centre + radii[:, None, None] * directions)  # (radii, rays)
    window = 4
    rise = profile[window:] - profile[:-window]
    middle = radii[window // 2 : window // 2 + len(rise)]
    at = rise.argmax(axis=0)
    edges = centre + middle[at][:, None] * directions
    strength = rise.max(axis=0)
    is_in = strength > 0.4 * np.median(strength)
    for _ in range(3):
        if is_in.sum() < 8:
            return None
        found_centre, found_radius = _circle(edges[is_in])
        off = np.abs(np.linalg.norm(edges - found_centre, axis=-1) - found_radius)
        is_in = (off < max(0.15 * found_radius, 1.0)) & (strength > 0.4 * np.median(strength))
    if not 0.4 * radius < found_radius < 2 * radius or np.linalg.norm(found_centre - centre) > radius:
        return None
    contrast = float(np.median(strength[is_in])) if is_in.any() else 0.0
    return found_centre, found_radius, contrast, float(is_in.mean())


def _iris_edge(image: Floats, pupil: Floats, pupil_radius: float) -> tuple[Floats, float, float]:
    """Centre, radius and step of the circle around a pupil with the strongest brightening towards both sides."""
    radii = pupil_radius * np.geomspace(*_IRIS_RATIO, 60)
    half = np.deg2rad(np.linspace(-25, 50, 16))  # below the upper lid
    sides = np.stack([half, np.pi - half])  # right, left
    directions = np.stack([np.cos(sides), np.sin(sides)], axis=-1)  # (2, angles, 2)
    best = (pupil, 2.2 * pupil_radius, 0.0)
    for dx in np.linspace(-0.3, 0.3, 7) * pupil_radius:
        for dy in (-0.15 * pupil_radius, 0.0, 0.15 * pupil_radius):
            centre = pupil + np.array([dx, dy])
            profile = sampled(image, centre + radii[:, None, None, None] * directions)  # (radii, 2, angles)
            arcs = np.median(profile, axis=-1)
            step = np.minimum(*(arcs[4:] - arcs[:-4]).T)
            k = int(step.argmax())
            if step[k] > best[2]:
                best = (centre, float(radii[k + 2]), float(step[k]))
    return best


def _circle(points: Floats) -> tuple[Floats, float]:
    """Centre and radius of the circle through (n, 2) points in the least-squares sense (Kasa)."""
    matrix = np.column_stack([2 * points, np.ones(len(points))])
    a, b, c = np.linalg.lstsq(matrix, (points**2).sum(axis=1), rcond=None)[0]
    return np.array([a, b]), float(np.sqrt(max(c + a * a + b * b, 0.0)))


def sampled(image: Floats, points: Any) -> Floats:
    """Bilinear samples (...) of an (H, W) image at points (..., 2), (x, y); the border is replicated."""
    H, W = image.shape
    x, y = np.clip(points[..., 0], 0, W - 1.001), np.clip(points[..., 1], 0, H - 1.001)
    column, row = x.astype(np.int64), y.astype(np.int64)
    u, v = x - column, y - row
    top = image[row, column] * (1 - u) + image[row, column + 1] * u
    bottom = image[row + 1, column] * (1 - u) + image[row + 1, column + 1] * u
    values: Floats = top * (1 - v) + bottom * v
    return values
