"""The pictures and the report of a run: learning curves, and what the best model predicts on validation images.

They are drawn at the end, on an interruption, and about once a minute after an epoch; never for more than a fiftieth of
the time. Drawing never stops a run: an error becomes a line in the log.
"""

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from glint_unet.config import TrainConfig
from glint_unet.data.annotation.image_annotation import led_labels
from glint_unet.data.batch import Rows
from glint_unet.data.dataset_reader import image_names
from glint_unet.data.source import Source
from glint_unet.data.split import evenly
from glint_unet.errors import one_line
from glint_unet.messages import text
from glint_unet.model.constellation import Constellation
from glint_unet.model.predictions import Predictions
from glint_unet.model.unnamed import UNNAMED_PREFIX
from glint_unet.report.curves import draw_curves
from glint_unet.report.judged import Judged
from glint_unet.report.page import write_run_report
from glint_unet.report.picture import draw_predictions
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.training_log import TrainingLogger
from glint_unet.training.state import TrainState
from glint_unet.training.step import decode_for_metrics

_NUM_EXAMPLES = 8
_NUM_WHILE_TRAINING = 64
_LEAST_PAUSE_S = 60.0
_PAUSE_PER_COST = 50
_BATCH = 16


class RunPictures:
    """Draws results.png, predictions.png and worst.png of a run in training, and writes report.html at its end.

    Args:
        run: the run directory.
        source: the source of its batches.
        state: the state of the run; not changed.
        config: all settings.
        log: the log of the run, with its history.
    """

    def __init__(
        self,
        run: RunDirectory,
        source: Source,
        state: TrainState,
        config: TrainConfig,
        log: TrainingLogger,
    ) -> None:
        self._run, self._source, self._state, self._config = run, source, state, config
        self._log = log
        self._drawn_at, self._cost_s = time.monotonic(), 0.0

    def refresh(self) -> None:
        """Draws, if the last time is long enough ago."""
        if time.monotonic() - self._drawn_at >= max(_LEAST_PAUSE_S, _PAUSE_PER_COST * self._cost_s):
            self.draw()

    def draw(self) -> None:
        """Draws from the epochs so far; the predictions are of a few validation images."""
        started = time.monotonic()
        self._attempt(lambda: self._draw(evenly(self._state.split.val, _NUM_WHILE_TRAINING)))
        self._drawn_at = time.monotonic()
        self._cost_s = self._drawn_at - started

    def finish(self) -> None:
        """Draws from all validation images, and writes report.html."""

        def draw_and_report() -> None:
            judged, epoch = self._draw(self._state.split.val)
            write_run_report(self._run, judged, epoch)

        self._attempt(draw_and_report)

    def _attempt(self, draw: Callable[[], object]) -> None:
        try:
            draw()
        except Exception as error:
            self._log.log(text("pictures_failed", reason=one_line(error) or type(error).__name__))

    def _draw(self, rows: Rows) -> tuple[Judged | None, int]:
        """Draws the pictures from validation images; returns the best model on them and its epoch, if there is one."""
        if self._log.history:
            draw_curves(self._log.history, self._state.best.epoch, self._run.curves)
        if not self._run.best.exists():
            return None, 0
        best, view = Checkpoint.read(self._run.best), self._view()
        network = copy.deepcopy(self._state.judged)
        network.load_state_dict(best.deployed_weights)
        predictions = predict(network, view, rows, best.threshold)
        chosen = evenly(np.arange(len(rows)), _NUM_EXAMPLES)
        what = f"of the validation images; best model, epoch {best.epoch}"
        self._draw_images(predictions, rows, chosen, f"{len(chosen)} {what}", self._run.predictions)
        worst = predictions.worst_first()[:_NUM_EXAMPLES]
        self._draw_images(predictions, rows, worst, f"The {len(worst)} worst of {len(rows)} {what}", self._run.worst)
        return view.judged(predictions, rows), best.epoch

    def _view(self) -> "RunView":
        return RunView(self._source, self._config, self._state.constellation)

    def _draw_images(self, predictions: Predictions, rows: Rows, chosen: Rows, heading: str, path: Path) -> None:
        view, some = self._view(), predictions.rows(chosen)
        draw_predictions(view.images(rows[chosen]), some, view.names(rows[chosen]), view.labels, heading, path)


@dataclass(frozen=True)
class RunView:
    """The images of a run and how its network is read.

    Attributes:
        source: of its batches.
        config: all settings.
        constellation: that of the run.
    """

    source: Source
    config: TrainConfig
    constellation: Constellation | None

    @property
    def labels(self) -> list[str]:
        """The names of the LEDs in pictures; glints that no layout names are numbered."""
        is_named = self.constellation is not None or not self.config.class_free
        prefix = self.source.info.prefix if is_named else UNNAMED_PREFIX
        return led_labels(prefix, self.source.info.num_classes)

    def images(self, rows: Rows) -> NDArray[np.uint8]:
        """(n, H, W) uint8."""
        images: NDArray[np.uint8] = self.source.gather(rows).images.cpu().numpy()
        return images

    def names(self, rows: Rows) -> list[str]:
        """What to call images."""
        return image_names(self.source.info, rows)

    def judged(self, predictions: Predictions, rows: Rows) -> Judged:
        """Predictions of these rows, with examples."""
        return Judged.of(predictions, self.labels, lambda k: self.images(rows[k]), lambda k: self.names(rows[k]))


@torch.no_grad()
def predict(network: nn.Module, view: RunView, rows: Rows, threshold: float) -> Predictions:
    """What a network predicts on rows of the data set, decoded as in validation.

    Args:
        network: left in evaluation mode.
        view: the run.
        rows: at least one.
        threshold: lowest score of a found prediction.
    """
    network.eval()
    device = next(network.parameters()).device
    source, config, parts = view.source, view.config, []
    for batch in source.batches([rows[k : k + _BATCH] for k in range(0, len(rows), _BATCH)]):
        batch = batch.to(device)
        truth = batch.true_keypoints(source.info)
        output = network(batch.network_input())
        decoded = decode_for_metrics(output, truth, config, source.info, view.constellation)
        parts.append([part.float().cpu().numpy() for part in (*decoded, truth)])
    points, scores, sigmas, truths = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Predictions(points, scores, sigmas, truths, source.info.image_size, threshold)
