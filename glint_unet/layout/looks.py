"""Looks at unlabelled frames: what may be a glint, in the whole frame and then closer, around the layout."""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.images import Placement, resize_image
from glint_unet.data.media import Frame
from glint_unet.inference.closer_look import Window, closer_windows
from glint_unet.inference.predictor import GlintDetector
from glint_unet.layout.poses import Poses, Spots

_MOST_SIDE = 1280


class ReadFrames(NamedTuple):
    """Frames in memory.

    Attributes:
        images: (H, W) uint8 each, the longer side at most 1280: the layout of the glints needs no more.
        problems: what is wrong with the unreadable ones.
    """

    images: list[NDArray[np.uint8]]
    problems: list[str]


def read_frames(frames: Iterable[Frame]) -> ReadFrames:
    """Reads frames; those that cannot be read are counted."""
    read = ReadFrames([], [])
    for frame in frames:
        if frame.image is None:
            read.problems.append(frame.problem or "")
        else:
            read.images.append(_shrunk(frame.image))
    return read


def _shrunk(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    scale = min(1.0, _MOST_SIDE / max(image.shape))
    return resize_image(image, (max(1, round(image.shape[0] * scale)), max(1, round(image.shape[1] * scale))))


def first_look(detector: GlintDetector, images: Iterable[NDArray[np.uint8]]) -> Spots:
    """The peaks of whole images, which may differ in size."""
    found = [detector.peaks(image[None, ..., None]) for image in images]
    return Spots.of(np.concatenate([points for points, _ in found]), np.concatenate([scores for _, scores in found]))


def closer_look(detector: GlintDetector, images: list[NDArray[np.uint8]], spots: Spots, poses: Poses) -> Spots:
    """The peaks of the part around the layout, as large as the network reads it best.

    Images that need no closer look keep the peaks of the first one.

    Args:
        detector: it found `spots`.
        images: those of the first look.
        spots: the peaks of the first look.
        poses: where the layout is in them.
    """
    at, weights, places = spots.at.copy(), spots.weights.copy(), poses.places()
    for row, image in enumerate(images):
        window = _window(detector, image, places[row], poses.found[row])
        if window is not None:
            points, scores = detector.peaks(window.cut_from(image)[None, ..., None])
            inner = Spots.of(points + np.array((window.left, window.top)), scores)
            at[row], weights[row] = inner.at[0], inner.weights[0]
    return Spots(at, weights)


def _window(
    detector: GlintDetector, image: NDArray[np.uint8], places: NDArray[np.complex128], found: NDArray[np.bool_]
) -> Window | None:
    scale = Placement.of((image.shape[0], image.shape[1]), detector.image_size, stretch=detector.stretch).mean_scale
    points = np.stack([places.real, places.imag], axis=-1)
    return closer_windows(points[None], found[None], detector.image_size, scale).get(0)
