"""How good a model is on annotated images: the figures of validation, a table of LEDs, a picture of the worst cases."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data.batch import Rows
from glint_unet.data.dataset_file import DatasetInfo, inspect_dataset
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.data.sources import FileSource
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import CheckpointError, DatasetError, ResumeError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import recorded_split
from glint_unet.model.metrics import RIGHT_WITHIN_PX, KeypointMetrics
from glint_unet.runs.pictures import draw_predictions

_BATCH = 32


@dataclass(frozen=True)
class LedReport:
    """One LED over the images judged; None where there is nothing to count.

    Attributes:
        label: such as g3.
        num_present, num_found: how often its glint is there, and how often one is said to be.
        precision, recall: within 2 px.
        px_median, px_p95: error where it is there and found.
        bias_x, bias_y: mean error, in pixels; far from 0 means a systematic shift.
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
    """What came out.

    Attributes:
        num_images: judged.
        num_trained_on: how many of them the model was trained on; None where it does not say.
        threshold: score from which a glint counted as found.
        figures: as `KeypointMetrics.summary` gives them.
        leds: one report per LED.
        confusion: as `KeypointMetrics.confusion` gives it.
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
    """The rows of a data set: all, or those that the run validated on.

    Args:
        run: a run directory, checkpoint or .onnx file; the last cannot say what it was validated on.
        h5: the data set.
        part: 'val' or 'all'.

    Raises:
        DatasetError: the file cannot be used.
        CheckpointError: 'val', but the model does not say what it was validated on.
        ResumeError: 'val', but it is not the data set of the run.
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
    """How many of a data set's rows the model was trained on; None where it does not say."""
    try:
        split, md5 = recorded_split(run)
    except CheckpointError:
        return None
    return int(np.isin(rows, split.train).sum()) if SharedMemoryDatasetCache.compute_md5(h5) == md5 else 0


def evaluate(
    detector: GlintDetector, h5: Path, rows: Rows, worst: int = 16, num_trained_on: int | None = None
) -> Evaluation:
    """Judges a detector on rows of a data set.

    Args:
        detector: its threshold decides what is found.
        h5: a data set with keypoints or heatmaps.
        rows: which of its images.
        worst: how many of the worst images to name.
        num_trained_on: how many of the rows the model was trained on, for the report.

    Raises:
        DatasetError: the data set has another number of LEDs.
    """
    info = inspect_dataset(h5)
    if info.num_classes != detector.num_classes:
        raise DatasetError("evaluate_other_leds", path=h5, num=info.num_classes, expected=detector.num_classes)
    points, scores, sigmas, truth = _predictions(detector, info, rows)
    metrics = KeypointMetrics()
    metrics.add(*(torch.from_numpy(array) for array in (points, scores, sigmas, truth)))
    found, errors = scores >= detector.threshold, points - truth
    distance = np.linalg.norm(errors, axis=-1)
    leds = tuple(_led(label, found[:, c], distance[:, c], errors[:, c]) for c, label in enumerate(detector.labels()))
    present = np.isfinite(distance)
    wrong = (found != present) | (found & (np.nan_to_num(distance, nan=np.inf) > RIGHT_WITHIN_PX))
    badness = wrong.sum(axis=1) * 1e3 + np.where(found & present, distance, 0).max(axis=1)
    order = np.argsort(-badness, kind="stable")[:worst]
    return Evaluation(
        num_images=len(rows),
        num_trained_on=num_trained_on,
        threshold=detector.threshold,
        figures=metrics.summary(detector.threshold),
        leds=leds,
        confusion=metrics.confusion(detector.threshold),
        worst=tuple(int(row) for row in rows[order]),
    )


def draw_worst(detector: GlintDetector, h5: Path, worst: tuple[int, ...], path: Path) -> None:
    """The worst images with what was found and what is true, as a PNG."""
    info = inspect_dataset(h5)
    rows = np.array(worst, dtype=np.int64)
    points, scores, _, truth = _predictions(detector, info, rows)
    source = FileSource(info, num_workers=0)
    images = source.gather(rows).images.numpy()
    source.close()
    draw_predictions(images, points, scores, truth, path, info.prefix, detector.threshold)


def _predictions(
    detector: GlintDetector, info: DatasetInfo, rows: Rows
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Points, scores, sigmas and true keypoints of the rows."""
    source = FileSource(info, num_workers=0)
    parts: list[tuple[Any, ...]] = []
    for start in range(0, len(rows), _BATCH):
        batch = source.gather(rows[start : start + _BATCH])
        glints = detector.candidates(batch.images.numpy()[..., None])
        is_outside = (glints.scores >= detector.threshold) & ~glints.present  # in the padding: absent, as predict says
        scores = np.where(is_outside, np.float32(0), glints.scores)
        parts.append((glints.points, scores, glints.sigmas, batch.true_keypoints(info).numpy()))
    source.close()
    points, scores, sigmas, truth = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return points, scores, sigmas, truth


def _led(
    label: str, found: NDArray[np.bool_], distance: NDArray[np.floating[Any]], errors: NDArray[np.floating[Any]]
) -> LedReport:
    present = np.isfinite(distance)
    right = int((found & (np.nan_to_num(distance, nan=np.inf) <= RIGHT_WITHIN_PX)).sum())
    located = found & present
    near, bias = distance[located], errors[located]
    num_present, num_found = int(present.sum()), int(found.sum())
    return LedReport(
        label=label,
        num_present=num_present,
        num_found=num_found,
        precision=right / num_found if num_found else None,
        recall=right / num_present if num_present else None,
        px_median=float(np.median(near)) if len(near) else None,
        px_p95=float(np.quantile(near, 0.95)) if len(near) else None,
        bias_x=float(bias[:, 0].mean()) if len(near) else None,
        bias_y=float(bias[:, 1].mean()) if len(near) else None,
    )
