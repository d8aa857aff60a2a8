"""Compares the model before and after on the user's images: does it agree with itself more, and what does it find?"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.adaptation.agreement import Agreement
from glint_unet.adaptation.looking import look
from glint_unet.inference.predictor import GlintDetector

LEAST_KEPT = 0.95
"""Share of the certain glints of the old model that the new one must be certain of as well."""

_SAME_PLACE_PX = 2.0  # pixels of the network input showing the whole frame


class FrameReport(NamedTuple):
    """One frame.

    Attributes:
        source: file or stem.
        number: index in its video or data set.
        is_held_back: whether the frame was kept out of training.
        found_before, found_after: glints found in the frame as given.
    """

    source: str
    number: int
    is_held_back: bool
    found_before: int
    found_after: int


@dataclass
class SelfAgreement:
    """How far two models agree with themselves on the held-out frames; grows frame by frame.

    Attributes:
        before, after: shares of the views that agree, of every glint that any view finds.
        num_certain: certain glints of the old model.
        num_kept: those of them that the new model is certain of at the same place.
    """

    before: list[float] = field(default_factory=list)
    after: list[float] = field(default_factory=list)
    num_certain: int = 0
    num_kept: int = 0

    def add(self, old: GlintDetector, new: GlintDetector, frame: NDArray[np.uint8]) -> None:
        """Adds a held-out frame."""
        (was, findings), (now, _) = look(old, frame), look(new, frame)
        self.before += _shares(was)
        self.after += _shares(now)
        near = np.linalg.norm(was.points - now.points, axis=-1) * findings.geometries[0].mean_scale <= _SAME_PLACE_PX
        self.num_certain += int(was.is_certain.sum())
        self.num_kept += int((was.is_certain & now.is_certain & near).sum())

    @property
    def means(self) -> tuple[float, float]:
        """Mean agreement before and after; 0 of a model that finds nothing."""
        before, after = (float(np.mean(shares)) if shares else 0.0 for shares in (self.before, self.after))
        return before, after

    @property
    def is_better(self) -> bool:
        """Whether the new model agrees with itself at least as much, and still finds what the old one was sure of."""
        before, after = self.means
        return after >= before and self.num_kept >= LEAST_KEPT * self.num_certain


def _shares(agreement: Agreement) -> list[float]:
    return [float(share) for share in agreement.shares if share > 0]
