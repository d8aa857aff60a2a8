"""The median eye: images aligned by the layout of their glints, and how large the layout is on the iris."""

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.images import resize_image
from glint_unet.data.synthetic.eye_finder import FoundEye, eye_candidates, likeliest_eyes, sampled
from glint_unet.layout.poses import Poses

MEDIAN_SIDE_PX = 320
HALF_SIDE = 2.6
"""Half the side of the median eye, in units of the layout's reach: its largest distance from the centre."""

_MOST_IMAGES = 40
_LEAST_EYES = 5
_CORNEA = 1.2  # iris radii from the centre of the iris, within which the layout is
_MARGIN = 1.1
_RANGE = (0.01, 0.9)  # what a rig file may state

Images = list[NDArray[np.uint8]]


def reach_px(poses: Poses, images: Images) -> float:
    """Largest distance of an LED from the centre in pixels at its usual size; for one LED, a tenth of the image."""
    reach = float(np.abs(poses.leds).max())
    return reach if reach > 0 else 0.1 * min(images[0].shape)


def median_eye(images: Images, poses: Poses, rows: NDArray[np.int64]) -> NDArray[np.uint8]:
    """(320, 320) uint8: the median of some of the images, moved and scaled so that their layouts coincide.

    Args:
        images: (H, W) uint8 each.
        poses: of all images.
        rows: the images in which the layout was found, at least one.
    """
    axis = np.linspace(-HALF_SIDE, HALF_SIDE, MEDIAN_SIDE_PX) * reach_px(poses, images)
    grid = axis + 1j * axis[:, None]
    aligned = []
    for row in _some(rows):
        at = poses.shift[row] + poses.scale[row] * grid
        aligned.append(sampled(images[row].astype(np.float32), np.stack([at.real, at.imag], axis=-1)))
    median: NDArray[np.uint8] = np.clip(np.median(aligned, axis=0) + 0.5, 0, 255).astype(np.uint8)
    return median


def sizes_on_iris(images: Images, poses: Poses, rows: NDArray[np.int64]) -> tuple[float, float] | None:
    """Least and greatest size of the layout as a share of the iris radius; None where too few irises are found.

    Arguments are those of `median_eye`. The size is the largest distance of an LED from the centre.
    """
    rows = _some(rows)
    size = images[rows[0]].shape
    scaled = [resize_image(images[row], (size[0], size[1])) for row in rows]
    factors = [np.array((size[1] / images[row].shape[1], size[0] / images[row].shape[0])) for row in rows]
    eyes = likeliest_eyes([eye_candidates(image) for image in scaled])
    shares = [
        reach_px(poses, images) * float(abs(poses.scale[row]) * np.sqrt(factor.prod())) / eye.iris_radius
        for row, factor, eye in zip(rows, factors, eyes, strict=True)
        if eye and _is_on_cornea(poses.shift[row], factor, eye)
    ]
    if len(shares) < _LEAST_EYES or len(poses.leds) < 2:
        return None
    low, high = np.quantile(shares, (0.1, 0.9))
    return float(np.clip(low / _MARGIN, *_RANGE)), float(np.clip(high * _MARGIN, *_RANGE))


def _some(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    some: NDArray[np.int64] = rows[np.unique(np.linspace(0, len(rows) - 1, _MOST_IMAGES).astype(int))]
    return some


def _is_on_cornea(shift: complex, factor: NDArray[np.float64], eye: FoundEye) -> bool:
    centre = (np.array((shift.real, shift.imag)) + 0.5) * factor - 0.5
    return bool(np.linalg.norm(centre - eye.iris) <= _CORNEA * eye.iris_radius)
