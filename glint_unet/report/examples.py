"""Example images with the true and the found glint of every LED, ready to be drawn as PNG or in a page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from glint_unet.model.metrics import RIGHT_WITHIN_PX
from glint_unet.model.predictions import Predictions

Point = tuple[float, float]
Verdict = Literal["right", "far", "missed", "false", "label"]

_LEAST_SIDE, _MOST_SIDE = 12, 24
_SHARE_OF_IMAGE = 20


@dataclass(frozen=True)
class Mark:
    """One LED in one image, with its glint present or found or both.

    Attributes:
        channel: number of the LED, from 0.
        label: its label, e.g. g3.
        truth: (x, y) of the glint in image pixels; None where it is absent.
        found: (x, y) where it was found; None where it was not.
        sigma_px: predicted standard deviation of the found point; None where there is none.
    """

    channel: int
    label: str
    truth: Point | None
    found: Point | None
    sigma_px: float | None = None

    @property
    def error_px(self) -> float | None:
        """Distance between the two; None unless there are both."""
        if self.truth is None or self.found is None:
            return None
        return float(np.hypot(self.found[0] - self.truth[0], self.found[1] - self.truth[1]))

    @property
    def is_right(self) -> bool:
        """Whether it was found within 2 px."""
        return self.error_px is not None and self.error_px <= RIGHT_WITHIN_PX

    @property
    def place(self) -> Point:
        """Where to look: the glint, or where one was found that is absent."""
        place = self.truth or self.found
        assert place is not None
        return place


@dataclass(frozen=True)
class Example:
    """An image and its marks.

    Attributes:
        name: which image it is.
        image: (H, W) uint8.
        marks: in the order of the LEDs; LEDs that are absent and not found have none.
        is_predicted: whether a model looked at it; otherwise the marks are labels.
    """

    name: str
    image: NDArray[np.uint8]
    marks: tuple[Mark, ...]
    is_predicted: bool = True

    @property
    def side(self) -> int:
        """Width and height in pixels of the part of the image shown around each mark."""
        return min(max(int(min(self.image.shape)) // _SHARE_OF_IMAGE, _LEAST_SIDE), _MOST_SIDE)

    def corner(self, mark: Mark) -> tuple[int, int]:
        """(x, y) of the top-left pixel of that part, which may lie partly outside the image."""
        x, y = mark.place
        return round(x - (self.side - 1) / 2), round(y - (self.side - 1) / 2)

    def verdict(self, mark: Mark) -> Verdict:
        """What to say of a mark: right, far (more than 2 px off), missed, false (absent), or label."""
        if not self.is_predicted:
            return "label"
        if mark.found is None:
            return "missed"
        return "false" if mark.truth is None else "right" if mark.is_right else "far"

    @property
    def num_right(self) -> int:
        """Number of LEDs found within 2 px."""
        return sum(mark.is_right for mark in self.marks)

    @property
    def largest_error_px(self) -> float | None:
        """Largest error of a glint that is present and found."""
        return max((mark.error_px for mark in self.marks if mark.error_px is not None), default=None)


def predicted_examples(
    images: NDArray[np.uint8], predictions: Predictions, names: Sequence[str], labels: Sequence[str]
) -> list[Example]:
    """Examples with predictions and truth; all arguments are of the same N images.

    Args:
        images: (N, H, W) uint8.
        predictions: of these images.
        names: which images they are.
        labels: the C labels of the LEDs.
    """
    found = predictions.found
    examples = []
    for k, (image, name) in enumerate(zip(images, names, strict=True)):
        marks = [
            Mark(
                channel,
                label,
                _point(predictions.truth[k, channel]),
                _point(predictions.points[k, channel]) if found[k, channel] else None,
                float(predictions.sigmas[k, channel]) if found[k, channel] else None,
            )
            for channel, label in enumerate(labels)
        ]
        examples.append(Example(name, image, tuple(mark for mark in marks if mark.truth or mark.found)))
    return examples


def labelled_examples(
    images: NDArray[np.uint8], truth: NDArray[np.float32], names: Sequence[str], labels: Sequence[str]
) -> list[Example]:
    """Examples with the truth (N, C, 2) alone, NaN where absent."""
    examples = []
    for image, name, points in zip(images, names, truth, strict=True):
        marks = [Mark(channel, label, _point(points[channel]), None) for channel, label in enumerate(labels)]
        examples.append(Example(name, image, tuple(mark for mark in marks if mark.truth), is_predicted=False))
    return examples


def _point(point: NDArray[np.float32]) -> Point | None:
    x, y = point.tolist()
    return (x, y) if np.isfinite(point).all() else None
