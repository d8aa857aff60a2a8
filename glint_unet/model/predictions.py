"""What a model predicts for images whose glints are known: errors, a report per LED, and the worst images."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data.images import lies_inside
from glint_unet.model.metrics import RIGHT_WITHIN_PX, KeypointMetrics


@dataclass(frozen=True)
class LedReport:
    """The metrics of one LED; None where undefined.

    Attributes:
        label: label of the LED, e.g. g3.
        num_present, num_found: number of images in which its glint is present, and in which it was found.
        precision, recall, px_median, px_p95: as `KeypointMetrics.summary` defines them.
        bias_x, bias_y: mean error in pixels where its glint is present and found; far from 0 means a systematic shift.
    """

    label: str
    num_present: int
    num_found: int
    precision: float | None
    recall: float | None
    px_median: float | None
    px_p95: float | None
    bias_x: float | None
    bias_y: float | None


class Predictions(NamedTuple):
    """The candidates of N images with C LEDs, and the truth.

    Attributes:
        points: (N, C, 2) float32, (x, y) in image pixels, the most likely position of absent glints too.
        scores: (N, C) float32, 0..1.
        sigmas: (N, C) float32, predicted standard deviations along x and along y in image pixels.
        truth: (N, C, 2) float32, NaN where absent.
        image_size: (H, W).
        threshold: lowest score of a found prediction.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    truth: NDArray[np.float32]
    image_size: tuple[int, int]
    threshold: float

    @property
    def found(self) -> NDArray[np.bool_]:
        """(N, C) bool: the score reaches the threshold and the point is inside the image."""
        return np.asarray((self.scores >= self.threshold) & lies_inside(self.points, self.image_size))

    @property
    def present(self) -> NDArray[np.bool_]:
        """(N, C) bool: the glint is in the image."""
        return np.asarray(np.isfinite(self.truth).all(axis=-1))

    @property
    def errors(self) -> NDArray[np.float32]:
        """(N, C) float32: distance in pixels to the glint of the same LED; NaN where it is absent."""
        return np.asarray(np.linalg.norm(self.points - self.truth, axis=-1))

    def rows(self, rows: NDArray[np.int64]) -> "Predictions":
        """Those of some of the images."""
        return self._replace(**{name: getattr(self, name)[rows] for name in self._fields[:4]})

    def led(self, channel: int) -> "Predictions":
        """Those of one LED, as arrays with C = 1."""
        return self._replace(**{name: getattr(self, name)[:, channel : channel + 1] for name in self._fields[:4]})

    def metrics(self) -> KeypointMetrics:
        """The metrics, from which the summary and the confusion matrix are computed at any threshold."""
        metrics = KeypointMetrics(self.image_size)
        metrics.add(*(torch.from_numpy(array) for array in self[:4]))
        return metrics

    def led_reports(self, labels: Sequence[str]) -> tuple[LedReport, ...]:
        """One report per LED."""
        return tuple(_led_report(label, self.led(channel)) for channel, label in enumerate(labels))

    def worst_first(self) -> NDArray[np.int64]:
        """(N,) int64, the images in order: most wrong LEDs first, then the largest error of a found glint.

        An LED is wrong if its presence is predicted wrongly, or its point is further than 2 px from its glint.
        """
        found, present, errors = self.found, self.present, self.errors
        wrong = (found != present) | (found & (np.nan_to_num(errors, nan=np.inf) > RIGHT_WITHIN_PX))
        badness = wrong.sum(axis=1) * 1e3 + np.where(found & present, errors, 0).max(axis=1)
        return np.argsort(-badness, kind="stable")


def _led_report(label: str, predictions: Predictions) -> LedReport:
    """The report of one LED, from its predictions (N, 1, ...)."""
    figures = predictions.metrics().summary(predictions.threshold)
    found, present = predictions.found, predictions.present
    errors = (predictions.points - predictions.truth)[found & present]
    bias_x, bias_y = errors.mean(axis=0).tolist() if len(errors) else (None, None)
    return LedReport(
        label=label,
        num_present=int(present.sum()),
        num_found=int(found.sum()),
        precision=figures["precision"],
        recall=figures["recall"],
        px_median=figures["px_median"],
        px_p95=figures["px_p95"],
        bias_x=bias_x,
        bias_y=bias_y,
    )
