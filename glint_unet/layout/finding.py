"""From unlabelled images to the layout of their rig, and how sure it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glint_unet.errors import LayoutError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.layout.certainty import LEAST_IMAGES, Certainty, certainty_of, least_together
from glint_unet.layout.looks import closer_look, first_look
from glint_unet.layout.median_eye import Images, median_eye, sizes_on_iris
from glint_unet.layout.poses import SURE, Poses, Spots
from glint_unet.layout.search import find_layout
from glint_unet.layout.shape import Shape, shape_of

_SURELY_LONE, _PERHAPS_LONE = 0.8, 0.5  # share of the images with glints that show exactly one, where there is one LED


@dataclass(frozen=True)
class Finding:
    """A layout that was found.

    Attributes:
        shape: the layout, in the form of a rig file.
        poses: where it is in each of N images; its LEDs are in no order, `shape.order` gives it.
        rows: the images in which it was found.
        certainty: how sure it is.
        sizes: least and greatest size as a share of the iris radius; None: unknown.
        images: the N images, (H, W) uint8 each.
        median: (320, 320) uint8, the median of the aligned images.
    """

    shape: Shape
    poses: Poses
    rows: NDArray[np.int64]
    certainty: Certainty
    sizes: tuple[float, float] | None
    images: Images
    median: NDArray[np.uint8]

    @property
    def names(self) -> list[str]:
        """The names of the LEDs, in order."""
        return [f"g{k + 1}" for k in range(self.shape.num_leds)]


def find_rig(detector: GlintDetector, images: Images, name: str) -> Finding:
    """The layout of the LEDs that the images show.

    Args:
        detector: finds what may be glints.
        images: (H, W) uint8 each, of one rig.
        name: of the images, for messages.

    Raises:
        LayoutError: too few images with glints, or no layout that most of them agree on.
        SettingError: the model cannot give its peaks.
    """
    if not images:
        raise LayoutError("layout_few_images", name=name, num=0, least=LEAST_IMAGES)
    spots = first_look(detector, images)
    num_with_glints = int((spots.num_sure >= 1).sum())
    if num_with_glints < LEAST_IMAGES:
        raise LayoutError("layout_few_images", name=name, num=num_with_glints, least=LEAST_IMAGES)
    poses, certainty = _found(detector, images, spots, name)
    rows = np.flatnonzero(poses.num_found >= least_together(len(poses.leds)))
    median, sizes = median_eye(images, poses, rows), sizes_on_iris(images, poses, rows)
    return Finding(shape_of(poses.leds), poses, rows, certainty, sizes, images, median)


def _found(detector: GlintDetector, images: Images, spots: Spots, name: str) -> tuple[Poses, Certainty]:
    """A layout, or one LED where most images show a single glint."""
    lone = (spots.num_sure == 1).sum() / (spots.num_sure >= 1).sum()
    if lone >= _SURELY_LONE:
        return _lone_led(spots)
    try:
        return _layout(detector, images, spots, name)
    except LayoutError:
        if lone < _PERHAPS_LONE:
            raise
        return _lone_led(spots)


def _layout(detector: GlintDetector, images: Images, spots: Spots, name: str) -> tuple[Poses, Certainty]:
    """A layout of two or more LEDs: roughly in whole images, then again in what a closer look at them shows."""
    rough = find_layout(spots)
    if rough is not None:
        spots = closer_look(detector, images, spots, rough)
    poses = find_layout(spots) if rough is not None else None
    certainty = certainty_of(poses, spots) if poses is not None else None
    if poses is None or certainty is None or not certainty.is_consistent:
        explained, again = (100 * certainty.explained, 100 * certainty.again) if certainty else (0, 0)
        raise LayoutError("layout_none", name=name, explained=explained, again=again)
    return poses, certainty


def _lone_led(spots: Spots) -> tuple[Poses, Certainty]:
    """One LED: the highest peak of each image."""
    num, top = len(spots.at), spots.weights.argmax(axis=1)
    at, gains = (part[np.arange(num), top] for part in spots)
    gains = np.where(gains >= SURE, gains, 0)
    ones = np.ones(num, complex)
    poses = Poses(np.zeros(1, complex), at, ones, 0 * ones, gains[:, None], at[:, None])
    num_images, num_lone = int((spots.num_sure >= 1).sum()), int((spots.num_sure == 1).sum())
    share = num_images / int(spots.num_sure.sum())
    return poses, Certainty(num_images, num_lone, share, np.ones(1), np.zeros(1), 1.0, 0.0, 0.0)
