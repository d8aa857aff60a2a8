"""Evaluates a model on annotated images: validation metrics, a table of LEDs, and a plot of the worst images."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data.batch import Rows
from glint_unet.data.dataset_file import DatasetInfo, inspect_dataset
from glint_unet.data.dataset_reader import image_names
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.data.sources import FileSource
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import CheckpointError, DatasetError, ResumeError
from glint_unet.inference.predictor import GlintDetector, Glints
from glint_unet.inference.trained_model import recorded_split
from glint_unet.model.metrics import RIGHT_WITHIN_PX, KeypointMetrics
from glint_unet.model.predictions import Predictions
from glint_unet.model.unnamed import in_order_of_truth
from glint_unet.report.picture import draw_predictions

_BATCH = 32


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


@dataclass(frozen=True)
class Evaluation:
    """The result of an evaluation.

    Attributes:
        num_images: number of images evaluated.
        num_trained_on: number of them that the model was trained on; None if it does not record that.
        threshold: the threshold of the detector: lowest score of a found prediction.
        figures: metrics of all LEDs together, from `KeypointMetrics.summary`; with a constellation also `f1_alone` and
            `threshold_alone`, of each LED decoded alone. Those of unnamed glints are regardless of the LED.
        leds: one report per LED.
        confusion: the confusion matrix, from `KeypointMetrics.confusion`.
        worst: rows of the data set, the worst image first.
    """

    num_images: int
    num_trained_on: int | None
    threshold: float
    figures: dict[str, float | None]
    leds: tuple[LedReport, ...]
    confusion: list[list[int]]
    worst: tuple[int, ...]


def rows_to_judge(run: Path, h5: Path, part: str) -> Rows:
    """The rows of a data set to evaluate: all, or those that the run was validated on.

    Args:
        run: a run directory, a checkpoint, or an .onnx file, which does not record its validation rows.
        h5: the data set.
        part: 'val' or 'all'.

    Raises:
        DatasetError: the file cannot be used.
        CheckpointError: 'val', but the model does not record its validation rows.
        ResumeError: 'val', but the file is not the data set of the run.
    """
    validate_dataset(h5)
    if part == "all":
        return np.arange(inspect_dataset(h5).num_images)
    split, was = recorded_split(run)
    md5 = SharedMemoryDatasetCache.compute_md5(h5)
    if md5 != was:
        raise ResumeError("evaluate_other_dataset", path=h5, md5=md5, was=was)
    return split.val


def count_trained_on(run: Path, h5: Path, rows: Rows) -> int | None:
    """How many of these rows of a data set the model was trained on; None where it does not record that."""
    try:
        split, md5 = recorded_split(run)
    except CheckpointError:
        return None
    return int(np.isin(rows, split.train).sum()) if SharedMemoryDatasetCache.compute_md5(h5) == md5 else 0


def evaluate(
    detector: GlintDetector, h5: Path, rows: Rows, worst: int = 16, num_trained_on: int | None = None
) -> Evaluation:
    """Evaluates a detector on rows of a data set.

    Args:
        detector: its threshold decides what counts as found. Of unnamed glints, the highest are taken, as many as the
            data set has LEDs.
        h5: a data set with keypoints or heatmaps.
        rows: (n,) int64, which of its images.
        worst: how many of the worst images to list.
        num_trained_on: how many of the rows the model was trained on; copied into the result.

    Raises:
        DatasetError: the data set has another number of LEDs.
    """
    info = inspect_dataset(h5)
    detector = detector.for_leds(info.num_classes)
    if info.num_classes != detector.num_classes:
        raise DatasetError("evaluate_other_leds", path=h5, num=info.num_classes, expected=detector.num_classes)
    glints, alone, truth = _predictions(detector, info, rows)
    metrics = _metrics_of(glints, truth, info)
    leds = tuple(
        _led_report(f"{detector.prefix}{c + 1}", _only(glints, c), truth[:, c : c + 1], info, detector)
        for c in range(detector.num_classes)
    )
    found, distance = glints.present, np.linalg.norm(glints.points - truth, axis=-1)
    present = np.isfinite(distance)
    wrong = (found != present) | (found & (np.nan_to_num(distance, nan=np.inf) > RIGHT_WITHIN_PX))
    badness = wrong.sum(axis=1) * 1e3 + np.where(found & present, distance, 0).max(axis=1)
    order = np.argsort(-badness, kind="stable")[:worst]
    return Evaluation(
        num_images=len(rows),
        num_trained_on=num_trained_on,
        threshold=detector.threshold,
        figures={**metrics.summary(detector.threshold), **_figures_alone(detector, alone, truth, info)},
        leds=leds,
        confusion=metrics.confusion(detector.threshold),
        worst=tuple(int(row) for row in rows[order]),
    )


def draw_worst(detector: GlintDetector, h5: Path, worst: tuple[int, ...], path: Path) -> None:
    """Draws the worst images with predictions and truth, as a PNG."""
    info = inspect_dataset(h5)
    detector, rows = detector.for_leds(info.num_classes), np.array(worst, dtype=np.int64)
    glints, _, truth = _predictions(detector, info, rows)
    source = FileSource(info, num_workers=0)
    images = source.gather(rows).images.numpy()
    source.close()
    predictions = Predictions(*glints[:3], truth, info.image_size, detector.threshold)
    heading = f"The {len(rows)} worst images; found: score >= {detector.threshold:g}"
    draw_predictions(images, predictions, image_names(info, rows), detector.labels(), heading, path)


class _Predictions(NamedTuple):
    """The candidates in n images, with the constellation and without it, and the true keypoints (n, C, 2)."""

    glints: Glints
    alone: Glints
    truth: NDArray[np.float32]


def _predictions(detector: GlintDetector, info: DatasetInfo, rows: Rows) -> _Predictions:
    """What is found in the rows of a data set; unnamed glints in the order of the truth."""
    source = FileSource(info, num_workers=0)
    parts = []
    for start in range(0, len(rows), _BATCH):
        batch = source.gather(rows[start : start + _BATCH])
        truth = batch.true_keypoints(info).numpy()
        both = detector.candidates_with_and_without(batch.images.numpy()[..., None])
        ways = zip(both, (detector, detector.without_constellation()), strict=True)
        named = (glints if way.names_leds else in_order_of_truth(truth, *glints) for glints, way in ways)
        parts.append((*named, truth))
    source.close()
    glints, alone, truths = zip(*parts, strict=True)
    return _Predictions(_joined(glints), _joined(alone), np.concatenate(truths))


def _joined(parts: Sequence[Glints]) -> Glints:
    return Glints(*map(np.concatenate, zip(*parts, strict=True)))


def _metrics_of(glints: Glints, truth: NDArray[np.float32], info: DatasetInfo) -> KeypointMetrics:
    metrics = KeypointMetrics(info.image_size)
    arrays = glints.points, glints.scores, glints.sigmas, truth
    metrics.add(*(torch.from_numpy(array) for array in arrays))
    return metrics


def _figures_alone(
    detector: GlintDetector, alone: Glints, truth: NDArray[np.float32], info: DatasetInfo
) -> dict[str, float | None]:
    """What a detector with a constellation reaches without it; empty if it has none."""
    if not detector.constellation:
        return {}
    threshold = detector.without_constellation().threshold
    return {"f1_alone": _metrics_of(alone, truth, info).summary(threshold)["f1"], "threshold_alone": threshold}


def _only(glints: Glints, led: int) -> Glints:
    channel = slice(led, led + 1)
    points, scores, sigmas, present = glints
    return Glints(points[:, channel], scores[:, channel], sigmas[:, channel], present[:, channel])


def _led_report(
    label: str, glints: Glints, truth: NDArray[np.float32], info: DatasetInfo, detector: GlintDetector
) -> LedReport:
    """The report of one LED, from its glints and keypoints (n, 1, ...)."""
    figures = _metrics_of(glints, truth, info).summary(detector.threshold)
    found, present = glints.present, np.isfinite(truth).all(axis=-1)
    errors = (glints.points - truth)[found & present]
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
