"""Frames without annotations -> images and keypoints to train on, and to validate on.

Legend: K spots, C glint channels, H W network input.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.adaptation.agreement import Agreement, Findings
from glint_unet.adaptation.looking import look, where_the_glints_are
from glint_unet.adaptation.views import View, show
from glint_unet.data.augment import paint_over
from glint_unet.inference.predictor import GlintDetector

LEAST_CERTAIN = 2
"""Certain glints of an image worth learning from, or as many as there are LEDs."""

_NEAREST, _RANGE = 1.6, 4.0  # zoom of training images over the nearest zoom looked at; nearest over farthest
_SHIFT = 0.12  # share of the sides
_CLEAR_PX = 4.0  # a doubtful spot this near a certain glint, in pixels of the as-given view, is that glint


class PseudoLabels(NamedTuple):
    """What a frame is learnt with.

    Attributes:
        points: (C, 2) float32, (x, y) in frame pixels, of certain glints; NaN for all others.
        doubtful: (K, 2) float32, spots that may be a glint whose LED is neither certain nor absent; painted over.
    """

    points: NDArray[np.float32]
    doubtful: NDArray[np.float32]


def label(agreement: Agreement, findings: Findings, threshold: float) -> PseudoLabels | None:
    """The labels of a frame; None if too few of its glints are certain.

    Args:
        agreement: of the frame's views.
        findings: what it was made of.
        threshold: lowest score of a found glint.
    """
    C = len(agreement.points)
    if agreement.is_certain.sum() < min(LEAST_CERTAIN, C):
        return None
    points = np.where(agreement.is_certain[:, None], agreement.points, np.float32(np.nan))
    in_doubt = ~agreement.is_certain & ~agreement.is_absent
    spots = findings.points[(findings.scores >= threshold / 2) & in_doubt[None]]  # (K, 2)
    distance = np.linalg.norm(spots[:, None] - points[agreement.is_certain][None], axis=-1)
    clear = _CLEAR_PX / findings.geometries[0].mean_scale
    return PseudoLabels(points, spots[(distance > clear).all(axis=1)])


@dataclass
class Rows:
    """Rows of a data set in the making.

    Attributes:
        images: (H, W) uint8 each.
        keypoints: (C, 2) float32 each, in pixels of the image; NaN where absent.
        stems: a name each.
    """

    images: list[NDArray[np.uint8]] = field(default_factory=list)
    keypoints: list[NDArray[np.float32]] = field(default_factory=list)
    stems: list[str] = field(default_factory=list)

    def add(self, image: NDArray[np.uint8], keypoints: NDArray[np.float32], stem: str) -> None:
        """Adds one row."""
        self.images.append(image)
        self.keypoints.append(keypoints)
        self.stems.append(stem)

    def extend(self, other: "Rows") -> None:
        """Adds all rows of another."""
        self.images += other.images
        self.keypoints += other.keypoints
        self.stems += other.stems

    def cut_last(self, num: int) -> "Rows":
        """Removes the last rows and returns them."""
        cut = Rows(self.images[-num:], self.keypoints[-num:], self.stems[-num:])
        del self.images[-num:], self.keypoints[-num:], self.stems[-num:]
        return cut

    def __len__(self) -> int:
        return len(self.images)


def rows_of(detector: GlintDetector, frame: NDArray[np.uint8], stem: str, copies: int, seed: list[int]) -> Rows:
    """Training rows of one frame: half of them as given, half at random zooms around its glints.

    Args:
        detector: labels the frame.
        frame: (H', W') uint8.
        stem: name of the frame.
        copies: number of rows.
        seed: seeds the zooms and shifts.

    Returns:
        The rows; none if too few glints are certain.
    """
    rows = Rows()
    agreement, findings = look(detector, frame)
    labels = label(agreement, findings, detector.threshold)
    if labels is None:
        return rows
    at, nearest = where_the_glints_are(detector, frame, labels.points[agreement.is_certain])
    rng = np.random.default_rng(seed)
    for copy in range(copies):
        zoom = nearest * _NEAREST * _RANGE ** -rng.uniform()
        x, y = rng.uniform(-_SHIFT, _SHIFT, 2)
        view, middle = (View(zoom, shift=(x, y)), at) if copy % 2 else (View(), None)
        image, geometry = show(frame, view, detector.image_size, middle, stretch=detector.stretch)
        keypoints = geometry.forth(labels.points)
        keypoints[~geometry.holds(keypoints)] = np.nan
        rows.add(_painted(image, geometry.forth(labels.doubtful)), keypoints, f"{stem}_{copy:02d}")
    return rows


def _painted(image: NDArray[np.uint8], spots: NDArray[np.float32]) -> NDArray[np.uint8]:
    """The image with its doubtful spots painted over, so that it shows no glint that its keypoints lack."""
    if not len(spots):
        return image
    points = torch.from_numpy(spots)[None]
    shown = torch.from_numpy(image.astype(np.float32))[None, None]
    painted = paint_over(shown, points, torch.ones(points.shape[:2], dtype=torch.bool))
    return np.asarray(painted[0, 0].round().clamp(0, 255).to(torch.uint8).numpy())
