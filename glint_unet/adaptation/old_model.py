"""The model before its adaptation: read with its settings, and put back where it stays the better one."""

import dataclasses
from pathlib import Path

from glint_unet.config import TrainConfig
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.safetensors_model import load_safetensors
from glint_unet.inference.trained_model import TrainedModel, load_model
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.checkpoint_file import write_checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.safetensors_file import SUFFIX


def read_model(path: Path) -> tuple[TrainedModel, TrainConfig]:
    """The model of a run directory, a checkpoint or a .safetensors file, and the settings that it was trained with.

    A .safetensors file records those of the network alone; the others are the defaults.

    Raises:
        CheckpointError: missing, damaged, incomplete, or of the original implementation.
    """
    if path.suffix == SUFFIX:
        model = load_safetensors(path)
        of_network = {name: getattr(model, name) for name in ("arch", "base_channels", "class_free")}
        return model, TrainConfig(**of_network)
    model = load_model(path)
    checkpoint = Checkpoint.read(model.path)
    checkpoint.run_state()
    return model, checkpoint.config


def put_back(new: RunDirectory, rejected: Path, model: TrainedModel, detector: GlintDetector) -> None:
    """Makes the old model the best one of the new run; the fine-tuned one is kept beside it.

    Args:
        new: the new run.
        rejected: where the fine-tuned model is kept.
        model: the old model.
        detector: the old model as it labelled the images: with the layout and the threshold of a rig file, if given.
    """
    if not rejected.exists():
        Checkpoint.read(new.best).write(rejected)
    old = _with_layout(_checkpoint(model, rejected), detector)
    old.write(new.best)
    write_checkpoint(new.best_weights, old.deployed_weights)


def _checkpoint(model: TrainedModel, fine_tuned: Path) -> Checkpoint:
    """The old model's checkpoint; of an exported file, that of the new run with the old weights."""
    if model.path.suffix != SUFFIX:
        return Checkpoint.read(model.path)
    new = Checkpoint.read(fine_tuned)
    return dataclasses.replace(new, weights=model.network.state_dict(), average=None, optimizer=None)


def _with_layout(checkpoint: Checkpoint, detector: GlintDetector) -> Checkpoint:
    """A checkpoint with the layout and the threshold that a detector has, if it has a layout."""
    if not detector.constellation:
        return checkpoint
    state, layout = checkpoint.run_state(), detector.constellation.to_dict()
    dataset = {**state.dataset, "num_classes": detector.num_classes, "constellation": layout}
    val = {**checkpoint.metrics.get("val", {}), "threshold": detector.threshold}
    return dataclasses.replace(
        checkpoint,
        state=dataclasses.replace(state, dataset=dataset),
        metrics={**checkpoint.metrics, "val": val},
    )
