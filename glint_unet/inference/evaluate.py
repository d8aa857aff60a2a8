"""Evaluates a model on annotated images: validation metrics, a table of LEDs, and a plot of the worst images."""

import contextlib
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
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
from glint_unet.model.predictions import LedReport, Predictions
from glint_unet.model.unnamed import in_order_of_truth
from glint_unet.report.judged import Judged
from glint_unet.report.page import write_evaluation_report
from glint_unet.report.picture import draw_predictions

_BATCH = 32


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
        rows: (n,) int64, the rows evaluated.
        predictions: of these rows.
    """

    num_images: int
    num_trained_on: int | None
    threshold: float
    figures: dict[str, float | None]
    leds: tuple[LedReport, ...]
    confusion: list[list[int]]
    worst: tuple[int, ...]
    rows: Rows
    predictions: Predictions

    def to_dict(self) -> dict[str, Any]:
        """The figures as plain values for JSON, without the predictions."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        del values["rows"], values["predictions"]
        return {**values, "leds": [dataclasses.asdict(led) for led in self.leds]}


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
    predictions = Predictions(*glints[:3], truth, info.image_size, detector.threshold)
    metrics = predictions.metrics()
    return Evaluation(
        num_images=len(rows),
        num_trained_on=num_trained_on,
        threshold=detector.threshold,
        figures={**metrics.summary(detector.threshold), **_figures_alone(detector, alone, truth, info)},
        leds=predictions.led_reports([f"{detector.prefix}{c + 1}" for c in range(detector.num_classes)]),
        confusion=metrics.confusion(detector.threshold),
        worst=tuple(int(row) for row in rows[predictions.worst_first()[:worst]]),
        rows=rows,
        predictions=predictions,
    )


def draw_worst(evaluation: Evaluation, h5: Path, path: Path) -> None:
    """Draws the worst images with predictions and truth, as a PNG."""
    info, worst = inspect_dataset(h5), evaluation.predictions.worst_first()[: len(evaluation.worst)]
    rows = evaluation.rows[worst]
    heading = f"The {len(rows)} worst of {evaluation.num_images} images; found: score >= {evaluation.threshold:g}"
    names, labels = image_names(info, rows), [led.label for led in evaluation.leds]
    with contextlib.closing(FileSource(info, num_workers=0)) as source:
        images = source.gather(rows).images.numpy()
    draw_predictions(images, evaluation.predictions.rows(worst), names, labels, heading, path)


def write_html(evaluation: Evaluation, model: Path, h5: Path, path: Path) -> None:
    """Writes the report of an evaluation.

    Args:
        evaluation: of at least one image.
        model: the model evaluated.
        h5: the data set.
        path: the HTML file.
    """
    info, rows = inspect_dataset(h5), evaluation.rows
    with contextlib.closing(FileSource(info, num_workers=0)) as source:
        judged = Judged.of(
            evaluation.predictions,
            [led.label for led in evaluation.leds],
            lambda places: source.gather(rows[places]).images.numpy(),
            lambda places: image_names(info, rows[places]),
        )
    write_evaluation_report(path, model, h5, judged)


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


def _figures_alone(
    detector: GlintDetector, alone: Glints, truth: NDArray[np.float32], info: DatasetInfo
) -> dict[str, float | None]:
    """What a detector with a constellation reaches without it; empty if it has none."""
    if not detector.constellation:
        return {}
    threshold = detector.without_constellation().threshold
    others = Predictions(*alone[:3], truth, info.image_size, threshold)
    return {"f1_alone": others.metrics().summary(threshold)["f1"], "threshold_alone": threshold}
