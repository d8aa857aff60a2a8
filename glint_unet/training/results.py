"""The pictures of a run: its learning curves, and what its best model predicts on validation images.

They are drawn at the end, on an interruption, and about once a minute after an epoch; never for more than a fiftieth of
the time. Drawing never stops a run: an error becomes a line in the log.
"""

import copy
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
from torch import nn

from glint_unet.config import TrainConfig
from glint_unet.data.batch import Batch, Rows
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.dataset_reader import image_names
from glint_unet.data.source import Source
from glint_unet.errors import one_line
from glint_unet.messages import text
from glint_unet.model.constellation import Constellation
from glint_unet.model.predictions import Predictions
from glint_unet.model.unnamed import UNNAMED_PREFIX
from glint_unet.report.curves import draw_curves
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


class RunPictures:
    """Draws results.png, predictions.png and worst.png of a run in training.

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

    def draw(self, most: int = _NUM_WHILE_TRAINING) -> None:
        """Draws from the epochs so far; the predictions are of at most `most` validation images."""
        started = time.monotonic()
        try:
            if self._log.history:
                draw_curves(self._log.history, self._state.best.epoch, self._run.curves)
            if self._run.best.exists():
                self._draw_predictions(evenly(self._state.split.val, most))
        except Exception as error:
            self._log.log(text("pictures_failed", reason=one_line(error) or type(error).__name__))
        self._drawn_at = time.monotonic()
        self._cost_s = self._drawn_at - started

    def finish(self) -> None:
        """Draws at the end of the run, from all validation images."""
        self.draw(len(self._state.split.val))

    def _draw_predictions(self, rows: Rows) -> None:
        state, config, info = self._state, self._config, self._source.info
        best = Checkpoint.read(self._run.best)
        network = copy.deepcopy(state.judged)
        network.load_state_dict(best.deployed_weights)
        batches = self._source.batches(
            [rows[k : k + config.batch_size] for k in range(0, len(rows), config.batch_size)]
        )
        predictions = predict(network, batches, config, info, state.constellation, best.threshold)
        chosen = evenly(np.arange(len(rows)), _NUM_EXAMPLES)
        what = f"of the validation images; best model, epoch {best.epoch}"
        self._draw(predictions, rows, chosen, f"{len(chosen)} {what}", self._run.predictions)
        worst = predictions.worst_first()[:_NUM_EXAMPLES]
        self._draw(predictions, rows, worst, f"The {len(worst)} worst of {len(rows)} {what}", self._run.worst)

    def _draw(self, predictions: Predictions, rows: Rows, chosen: Rows, heading: str, path: Path) -> None:
        info = self._source.info
        images = self._source.gather(rows[chosen]).images.cpu().numpy()
        names = image_names(info, rows[chosen])
        labels = led_labels(self._config, info, self._state.constellation)
        draw_predictions(images, predictions.rows(chosen), names, labels, heading, path)


@torch.no_grad()
def predict(
    network: nn.Module,
    batches: Iterable[Batch],
    config: TrainConfig,
    info: DatasetInfo,
    constellation: Constellation | None,
    threshold: float,
) -> Predictions:
    """What a network predicts on batches of the data set, decoded as in validation.

    Args:
        network: left in evaluation mode.
        batches: at least one.
        config: all settings of the run.
        info: what the data set declares.
        constellation: that of the run.
        threshold: lowest score of a found prediction.
    """
    network.eval()
    device = next(network.parameters()).device
    parts = []
    for batch in batches:
        batch = batch.to(device)
        truth = batch.true_keypoints(info)
        decoded = decode_for_metrics(network(batch.network_input()), truth, config, info, constellation)
        parts.append([part.float().cpu().numpy() for part in (*decoded, truth)])
    points, scores, sigmas, truths = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
    return Predictions(points, scores, sigmas, truths, info.image_size, threshold)


def led_labels(config: TrainConfig, info: DatasetInfo, constellation: Constellation | None) -> list[str]:
    """The names of the LEDs in pictures; glints that no layout names are numbered."""
    prefix = UNNAMED_PREFIX if config.class_free and not constellation else info.prefix
    return [f"{prefix}{channel + 1}" for channel in range(info.num_classes)]


def evenly(rows: Rows, most: int) -> Rows:
    """At most `most` of the rows, evenly spaced from the first to the last."""
    chosen: Rows = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    return chosen
