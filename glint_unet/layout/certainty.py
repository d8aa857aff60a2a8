"""How sure a layout is: what it explains, and what is found again when a part of the images is left out.

Legend: N images, C LEDs.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from glint_unet.layout.poses import Floats, Poses, Spots, Tolerance, layout_size, place
from glint_unet.layout.search import find_layout

LEAST_IMAGES = 10
"""Images in which glints, and a layout, must be found at least."""

LEAST_MOVED = 0.1
"""Movement of the glints, in units of the layout's size; below it, spots that stand still may be taken for LEDs."""

_NUM_PARTS, _NUM_GUESSES = 4, 4
_SAME = Tolerance(0.1, 0.2)
_LEAST_EXPLAINED, _LEAST_AGAIN, _LARGEST_ERROR = 0.3, 0.6, 0.1
_FAIRLY = (0.5, 0.9, 0.05)  # wrong layouts of two columns reached 0.84
_SURELY = (0.8, 0.95, 0.02)


class Grade(Enum):
    """How sure a layout is, in a word."""

    SURE = "high"
    FAIR = "medium"
    UNSURE = "low"


@dataclass(frozen=True)
class Certainty:
    """What is known about a layout of C LEDs.

    Attributes:
        num_images: images with glints: as many sure ones as are needed to see a layout.
        num_explained: those of them in which the layout was found: three LEDs, or all where it has fewer.
        glints: share of the sure glints of these images that the layout explains.
        seen: (C,) share of the explained images that show each LED.
        spread: (C,) root mean square distance of its glints from their places, in units of the layout's size.
        again: share of LEDs that were found again, on average over the parts of the images that were left out.
        error: root mean square distance of these LEDs from those found in all images, in units of the layout's size.
        moved: standard deviation of the layout's place, in units of its size.
    """

    num_images: int
    num_explained: int
    glints: float
    seen: Floats
    spread: Floats
    again: float
    error: float
    moved: float

    @property
    def explained(self) -> float:
        """Share of the images with glints in which the layout was found."""
        return self.num_explained / max(self.num_images, 1)

    @property
    def is_consistent(self) -> bool:
        """Whether this is a layout at all."""
        return self.num_explained >= LEAST_IMAGES and self._reaches((_LEAST_EXPLAINED, _LEAST_AGAIN, _LARGEST_ERROR))

    @property
    def grade(self) -> Grade:
        """The figures in a word."""
        if self.moved >= LEAST_MOVED and self._reaches(_SURELY):
            return Grade.SURE
        return Grade.FAIR if self._reaches(_FAIRLY) else Grade.UNSURE

    def _reaches(self, limits: tuple[float, float, float]) -> bool:
        explained, again, error = limits
        return self.explained >= explained and self.again >= again and self.error <= error


def least_together(num_leds: int) -> int:
    """Glints that an image must show for the layout to be seen in it."""
    return min(3, num_leds)


def certainty_of(poses: Poses, spots: Spots) -> Certainty:
    """The certainty of a layout of two or more LEDs, found in `spots`."""
    size, least = layout_size(poses.leds), least_together(len(poses.leds))
    has_glints = spots.num_sure >= least
    explained = has_glints & (poses.num_found >= least)
    found = poses.found & explained[:, None]
    away2 = np.abs(poses.points - poses.places()) ** 2 / (np.abs(poses.scale[:, None]) * size) ** 2
    num = np.maximum(found.sum(axis=0), 1)
    again, error = _left_out(poses, spots)
    return Certainty(
        num_images=int(has_glints.sum()),
        num_explained=int(explained.sum()),
        glints=float(min(1.0, found.sum() / max(spots.num_sure[has_glints].sum(), 1))),
        seen=found.sum(axis=0) / max(explained.sum(), 1),
        spread=np.sqrt(np.where(found, away2, 0).sum(axis=0) / num),
        again=again,
        error=error,
        moved=_moved(poses, explained) / size,
    )


def _moved(poses: Poses, rows: NDArray[np.bool_]) -> float:
    """Robust standard deviation of the layout's place in pixels, along the axis of greater movement."""
    shifts = poses.shift[rows]
    if not len(shifts):
        return 0.0
    return max(1.48 * float(np.median(np.abs(part - np.median(part)))) for part in (shifts.real, shifts.imag))


def _left_out(poses: Poses, spots: Spots) -> tuple[float, float]:
    """`again` and `error` of layouts that are found again when each quarter of the images, in order, is left out."""
    parts, again, errors = np.array_split(np.arange(len(spots.at)), _NUM_PARTS), [], []
    for part in parts:
        other = find_layout(spots.rows(np.setdiff1d(np.arange(len(spots.at)), part)), _NUM_GUESSES)
        if other is None:
            again.append(0.0)
            continue
        num_same, distances = same_leds(other, poses)
        again.append(num_same / max(len(poses.leds), len(other.leds)))
        errors.append(distances)
    together = np.concatenate(errors) if errors else np.array([np.inf])
    return float(np.mean(again)), float(np.sqrt(np.mean(together**2))) if len(together) else np.inf


def same_leds(one: Poses, other: Poses) -> tuple[int, Floats]:
    """How many LEDs of two layouts agree, and how far they are apart, in units of the layout's size."""
    pose = place(one.leds, Spots(other.leds[None], np.ones((1, len(other.leds)))), _SAME, None)
    distances = np.abs(pose.points - pose.places())[pose.found] / layout_size(other.leds)
    return len(distances), distances
