"""Finds glints in consecutive frames: after a look at the whole frame, the network sees the region around the layout.

The region moves with the glints. The whole frame is looked at again at regular intervals, and where the region shows
clearly fewer glints than the last full look: after a saccade, in a blink, or where the eye has gone elsewhere. Where
the whole frame shows no more than the region, as in a blink, the next such look waits twice as long, up to
`_LONGEST_WAIT` frames.
"""

import math

import numpy as np
from numpy.typing import NDArray

from glint_unet.inference.predictor import GlintDetector, Glints
from glint_unet.inference.region import Region, middle

FULL_LOOK_EVERY = 250

_MARGIN_PX = 16  # of the network input, around the layout: what it may move from frame to frame
_STILL_FOLLOWED = 0.8  # of the glints that the last trusted full look found
_TRUSTED = 0.5  # of the most glints found in any frame: fewer may be lashes in a blink
_LONGEST_WAIT = 16
_LEAST_IN_LAYOUT = 2


class Follower:
    """Finds the glints of consecutive frames of one camera, like its detector, but mostly from a region of each frame.

    Args:
        detector: one whose `any_size` holds.
        every: frames from one full look to the next.

    Attributes:
        num_frames, num_full_looks: frames so far, and those of them that were looked at whole.
    """

    def __init__(self, detector: GlintDetector, every: int = FULL_LOOK_EVERY) -> None:
        assert detector.any_size
        self.num_frames = self.num_full_looks = 0
        self._detector, self._every = detector, every
        self._least = _LEAST_IN_LAYOUT if detector.constellation else 1
        self._frame_size: tuple[int, ...] = ()
        self._forget()

    def _forget(self) -> None:
        self._region: Region | None = None
        self._places: NDArray[np.float32] | None = None  # (C, 2) in the last frame where the layout was found
        self._motion = np.zeros(2, np.float32)  # from the frame before that to it
        self._usual, self._most, self._since_full, self._wait = 0, 0, 0, 1

    def __call__(self, image: NDArray[np.uint8]) -> Glints:
        """The glints of the next frame (H, W) uint8: a batch of one, as the detector returns it."""
        if image.shape != self._frame_size:
            self._forget()
            self._frame_size = image.shape
        self.num_frames += 1
        self._since_full += 1
        glints = self._looked_at_region(image)
        is_lost = glints is None or self._is_lost(glints)
        if glints is None or self._since_full >= (self._wait if is_lost else self._every):
            glints = self._looked_at_all(image, glints)
        elif not is_lost:
            self._move_on(glints)
        return glints._replace(points=np.where(glints.present[..., None], glints.points, np.float32(np.nan)))

    def batch(self, images: NDArray[np.uint8]) -> Glints:
        """The glints of the next frames (B, H, W) uint8, in their order."""
        found = [self(image) for image in images]
        return Glints(*(np.concatenate(parts) for parts in zip(*found, strict=True)))

    def _looked_at_region(self, image: NDArray[np.uint8]) -> Glints | None:
        """What the region shows where the layout is expected or, failing that, anywhere in it; None without region."""
        if self._region is None or self._places is None:
            return None
        places = self._places + self._motion
        self._region = self._region.around(middle(places))
        if self._detector.constellation is None:
            return self._detector.look(image, self._region)
        glints = self._detector.look(image, self._region, near=places)
        if self._is_lost(glints):
            elsewhere = self._detector.look(image, self._region)
            return elsewhere if _num_found(elsewhere) > _num_found(glints) else glints
        return glints

    def _is_lost(self, glints: Glints) -> bool:
        """Whether clearly fewer glints are found than usual, or the layout reaches the border of the region."""
        assert self._region is not None
        if not self._is_trusted(glints) or _num_found(glints) < _STILL_FOLLOWED * self._usual:
            return True
        return not self._region.holds(self._layout(glints), _MARGIN_PX / 4)

    def _is_trusted(self, glints: Glints) -> bool:
        return _num_found(glints) >= max(self._least, _TRUSTED * self._most)

    def _looked_at_all(self, image: NDArray[np.uint8], in_region: Glints | None) -> Glints:
        """The glints of the whole frame, or those of the region where they are more."""
        glints = self._detector.candidates(image[None, ..., None])  # the last axis is unambiguous for any width
        self.num_full_looks += 1
        self._since_full = 0
        gained = _num_found(glints) - (0 if in_region is None else _num_found(in_region))
        self._wait = 1 if gained > 0 else min(2 * self._wait, _LONGEST_WAIT)
        if in_region is not None and gained < 0:
            return in_region
        if self._is_trusted(glints):
            self._usual = _num_found(glints)
            self._most = max(self._most, self._usual)
            self._move_on(glints)
            self._region = self._region_of(glints)
        return glints

    def _move_on(self, glints: Glints) -> None:
        places, before = self._layout(glints), self._places
        motion = np.zeros(2, np.float32) if before is None else middle(places) - middle(before)
        reach = 0.0 if self._region is None else _MARGIN_PX / 2 / self._region.placement.mean_scale
        self._places, self._motion = places, motion.clip(-reach, reach)

    def _region_of(self, glints: Glints) -> Region | None:
        """The region around the layout, at the scale of the full look; None where it is no smaller than that."""
        detector = self._detector
        scale = detector.closest_scale(glints, (self._frame_size[0], self._frame_size[1]))
        region = Region.over(self._layout(glints), scale, _MARGIN_PX)
        return None if math.prod(region.size) > math.prod(detector.image_size) else region

    def _layout(self, glints: Glints) -> NDArray[np.float32]:
        """(n, 2): the places of all LEDs where a constellation says them, else of those found."""
        places: NDArray[np.float32] = glints.points[0]
        return places if self._detector.constellation else places[glints.present[0]]


def _num_found(glints: Glints) -> int:
    return int(glints.present.sum())
