"""The plots of a finished run: learning curves, and predictions of the best model on validation images."""

from typing import Any

import numpy as np
import torch

from glint_unet.config import TrainConfig
from glint_unet.data.sources import Source
from glint_unet.model.unnamed import UNNAMED_PREFIX
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.pictures import draw_curves, draw_predictions
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.state import TrainState
from glint_unet.training.step import decode

_NUM_EXAMPLES = 12


def draw_results(
    run: RunDirectory,
    source: Source,
    state: TrainState,
    config: TrainConfig,
    history: list[dict[str, Any]],
    device: torch.device,
) -> None:
    """Draws results.png and predictions.png of a run; loads the best weights into the validated network."""
    draw_curves(history, run.curves)
    network, val_rows = state.judged, state.split.val
    best = Checkpoint.read(run.best)
    network.load_state_dict(best.deployed_weights)
    network.eval()
    examples = np.linspace(0, len(val_rows) - 1, min(_NUM_EXAMPLES, len(val_rows))).astype(int)
    batch = source.gather(val_rows[examples]).to(device)
    with torch.no_grad():
        points, scores, _ = decode(network(batch.network_input()), config, source.info, state.constellation)
    truth = batch.true_keypoints(source.info)
    draw_predictions(
        batch.images.cpu().numpy(),
        points.cpu().numpy(),
        scores.cpu().numpy(),
        truth.cpu().numpy(),
        run.predictions,
        UNNAMED_PREFIX if config.class_free and not state.constellation else source.info.prefix,
        best.threshold,
    )
