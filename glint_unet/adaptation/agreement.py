"""Which glints the views of a frame agree on, and where they are.

Legend: V views, C glint channels.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glint_unet.adaptation.views import ViewGeometry

CERTAIN_FROM_SHARE = 0.6
ABSENT_BELOW_SHARE = 0.3

_AGREE_SIGMAS = 3.0
_AGREE_PX = 1.0  # of the coarser view
_WEAK = 0.5  # of the threshold: a score that is no glint yet, but no absence either
_LEAST_SIGMA = 1e-3


@dataclass(frozen=True)
class Findings:
    """What a detector reports for one frame in each view, in pixels of the frame.

    Attributes:
        points: (V, C, 2) float32, (x, y), the most likely position of each glint, present or not.
        scores: (V, C) float32, 0..1; 0 for a position outside the frame.
        sigmas: (V, C) float32, predicted standard deviation of the position.
        geometries: V transformations between frame and view.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    geometries: tuple[ViewGeometry, ...]

    def __add__(self, other: "Findings") -> "Findings":
        """All views of both."""
        return Findings(
            np.concatenate([self.points, other.points]),
            np.concatenate([self.scores, other.scores]),
            np.concatenate([self.sigmas, other.sigmas]),
            self.geometries + other.geometries,
        )

    def first(self, num: int) -> "Findings":
        """The first views."""
        return Findings(self.points[:num], self.scores[:num], self.sigmas[:num], self.geometries[:num])


@dataclass(frozen=True)
class Agreement:
    """The glints of one frame as all its views together show them.

    Attributes:
        points: (C, 2) float32, (x, y) in frame pixels: where most views find the glint; NaN where none does.
        shares: (C,) float64, share of the views showing that place which find the glint there.
        is_certain: (C,) bool, the glint is there: at least `CERTAIN_FROM_SHARE` of the views agree.
        is_absent: (C,) bool, hardly any view finds the glint anywhere, nor anything like it.
    """

    points: NDArray[np.float32]
    shares: NDArray[np.float64]
    is_certain: NDArray[np.bool_]
    is_absent: NDArray[np.bool_]


def agree(findings: Findings, threshold: float) -> Agreement:
    """Finds, for each LED, the place that most views agree on.

    Two views agree where their points are within three standard deviations of their difference, or within one pixel of
    the coarser view. The place is the mean of the largest group that agrees with one of its members, weighted by the
    inverse of the predicted variance. Where two LEDs claim one place, neither is certain.

    Args:
        findings: of one frame.
        threshold: lowest score of a found glint.
    """
    points, sigmas = findings.points.astype(np.float64), np.maximum(findings.sigmas.astype(np.float64), _LEAST_SIGMA)
    coarseness = 1 / np.array([geometry.mean_scale for geometry in findings.geometries])  # frame pixels per view pixel
    is_found = findings.scores >= threshold  # (V, C)
    limit = _agreement_limit(sigmas, coarseness)
    near = (np.linalg.norm(points[:, None] - points[None], axis=-1) <= limit) & is_found[:, None] & is_found[None]
    best = (near * findings.scores[None]).sum(axis=1).argmax(axis=0)  # (C,): the view that most agree with
    group = near[best, :, np.arange(points.shape[1])].T  # (V, C)
    inverse = group / sigmas**2
    has_any = group.any(axis=0)
    total = np.where(has_any, inverse.sum(axis=0), np.nan)
    places = ((inverse[..., None] * points).sum(axis=0) / total[:, None]).astype(np.float32)
    num_showing = np.maximum(_shows(findings, places).sum(axis=0), group.sum(axis=0)).clip(min=1)
    shares = group.sum(axis=0) / num_showing
    is_weak = (findings.scores >= _WEAK * threshold).mean(axis=0)
    is_certain = (shares >= CERTAIN_FROM_SHARE) & ~_contested(places, shares, coarseness.min())
    return Agreement(places, shares, is_certain, ~is_certain & (is_weak < ABSENT_BELOW_SHARE))


def _agreement_limit(sigmas: NDArray[np.float64], coarseness: NDArray[np.float64]) -> NDArray[np.float64]:
    """Largest distance (V, V, C) at which two views agree, in frame pixels."""
    floor = _AGREE_PX * np.maximum(coarseness[:, None], coarseness[None])[..., None]
    limit: NDArray[np.float64] = np.maximum(_AGREE_SIGMAS * np.hypot(sigmas[:, None], sigmas[None]), floor)
    return limit


def _shows(findings: Findings, places: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Which views show which places: (V, C) bool."""
    return np.stack([geometry.holds(geometry.forth(places)) for geometry in findings.geometries])


def _contested(places: NDArray[np.float32], shares: NDArray[np.float64], within_px: float) -> NDArray[np.bool_]:
    """(C,) bool: another LED claims the same place, by at least half as many views."""
    distance = np.linalg.norm(places[:, None] - places[None], axis=-1)
    np.fill_diagonal(distance, np.nan)
    contested: NDArray[np.bool_] = ((distance <= 2 * within_px) & (shares[None] >= shares[:, None] / 2)).any(axis=1)
    return contested
