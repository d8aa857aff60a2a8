"""What an adaptation changed: as JSON, and as a picture of frames before and after."""

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from glint_unet.adaptation.comparison import FrameReport
from glint_unet.files import write_bytes
from glint_unet.inference.predictor import Glints
from glint_unet.report.palette import led_colour

_MARGIN = 1.2  # shown around the glints, in units of their extent
_LEAST_SHOWN = 0.15  # half the least side shown, as a share of the shorter side of the frame


@dataclass(frozen=True)
class AdaptReport:
    """What came out.

    Attributes:
        run: the model before.
        images: the input.
        is_kept: whether the new model is the result; else the old one is.
        num_frames: frames looked at, without broken ones.
        num_broken: broken frames.
        num_labelled: frames with enough certain glints to learn from.
        num_synthetic: synthetic images mixed in.
        agreement_before, agreement_after: share of views that agree, of every glint found in the held-out frames.
        certain_before: certain glints of the old model in the held-out frames.
        certain_kept: those of them that the new one is certain of at the same place.
        found_before, found_after: mean number of glints found per frame as given.
        threshold_before, threshold_after: score from which a glint counts as found.
        frames: one entry per frame.
    """

    run: str
    images: str
    is_kept: bool
    num_frames: int
    num_broken: int
    num_labelled: int
    num_synthetic: int
    agreement_before: float
    agreement_after: float
    certain_before: int
    certain_kept: int
    found_before: float
    found_after: float
    threshold_before: float
    threshold_after: float
    frames: tuple[FrameReport, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {**self.__dict__, "frames": [frame._asdict() for frame in self.frames]}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "AdaptReport":
        """The inverse of `to_dict`."""
        return cls(**{**values, "frames": tuple(FrameReport(**frame) for frame in values["frames"])})


class Example(NamedTuple):
    """A frame, (H, W) uint8, and what the models before and after find in it."""

    frame: NDArray[np.uint8]
    before: Glints
    after: Glints


def draw_examples(examples: list[Example], labels: list[str], path: Path, titles: tuple[str, str]) -> None:
    """Draws frames with what the model before finds in them beside what the one after finds, as a PNG.

    Args:
        examples: frames of any size; at least one.
        labels: names of the LEDs.
        path: the PNG.
        titles: of the two columns.
    """
    num_pairs = 2 if len(examples) > 1 else 1
    num_rows = -(-len(examples) // num_pairs)
    figure = Figure(figsize=(3.2 * 2 * num_pairs, 3.2 * num_rows), layout="constrained")
    grid = figure.subplots(num_rows, 2 * num_pairs, squeeze=False).ravel()
    for axes in grid:
        axes.set_axis_off()
    for k, (frame, *found) in enumerate(examples):
        box = _box(frame, found)
        for glints, title, axes in zip(found, titles, grid[2 * k :], strict=False):
            _draw(axes, frame, glints, labels, box)
            axes.set_title(title, fontsize=8)
    content = io.BytesIO()
    figure.savefig(content, dpi=80, format="png")
    write_bytes(path, content.getvalue())


def _draw(axes: Any, frame: NDArray[np.uint8], glints: Glints, labels: list[str], box: NDArray[np.float64]) -> None:
    axes.imshow(frame, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    for channel, label in enumerate(labels):
        if glints.present[0, channel]:
            colour, (x, y) = led_colour(channel), glints.points[0, channel].tolist()
            axes.plot(x, y, "+", color=colour, ms=10, mew=1.2)
            axes.annotate(label, (x, y), (5, 4), textcoords="offset points", color=colour, fontsize=7)
    (left, top), (right, bottom) = box
    axes.set_xlim(left, right)
    axes.set_ylim(bottom, top)


def _box(frame: NDArray[np.uint8], found: list[Glints]) -> NDArray[np.float64]:
    """The part of the frame that is drawn: what either model finds and its surroundings; (2, 2), two corners (x, y)."""
    H, W = frame.shape
    points = np.concatenate([glints.points[0][glints.present[0]] for glints in found]).astype(np.float64)
    if not len(points):
        return np.array([[-0.5, -0.5], [W - 0.5, H - 0.5]])
    middle = np.median(points, axis=0)
    reach = max(_MARGIN * float(np.ptp(points, axis=0).max()), _LEAST_SHOWN * min(H, W))
    corners = np.stack([middle - reach, middle + reach])
    return corners.clip(-0.5, [W - 0.5, H - 0.5])
