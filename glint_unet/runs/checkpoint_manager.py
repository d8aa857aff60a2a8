"""The checkpoints of a run: best, latest and numbered, each written atomically."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glint_unet.errors import CheckpointError
from glint_unet.files import remove, write_json
from glint_unet.runs.checkpoint import Checkpoint, now
from glint_unet.runs.checkpoint_file import write_checkpoint
from glint_unet.runs.loading import load_into
from glint_unet.runs.plain_values import for_json
from glint_unet.runs.run_directory import RunDirectory


class CheckpointManager:
    """Writes, prunes, finds and loads the checkpoints of a run directory.

    Args:
        output_dir: the run directory; created if missing.
        save_optimizer: save the optimizer state; without it a resume is not exact.
        keep_last_n: number of numbered checkpoints to keep; None keeps all.
    """

    def __init__(self, output_dir: str | Path, save_optimizer: bool = True, keep_last_n: int | None = None) -> None:
        self._run = RunDirectory(Path(output_dir))
        self._save_optimizer = save_optimizer
        self._keep_last_n = keep_last_n
        self._run.checkpoints.mkdir(parents=True, exist_ok=True)

    def save_checkpoint(
        self,
        epoch: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train_args: Any,
        metrics: Mapping[str, Any],
        is_best: bool = False,
        filename: str | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> Path:
        """Writes checkpoints/checkpoint_epoch_NNN.pth, or `filename` there, and deletes surplus numbered checkpoints.

        Args:
            epoch: epochs completed.
            model: the model whose state dict is saved.
            optimizer: its state dict is saved too, unless `save_optimizer` is off.
            train_args: the settings: a dataclass, a mapping or an argparse namespace.
            metrics: {'train': ..., 'val': ...} of that epoch.
            is_best: also write best_model.pth and best_model_weights.pt.
            filename: a file name inside checkpoints/, instead of the numbered one.
            extra: additional keys; tensors and plain Python values only.

        Returns:
            The path of the file written.

        Raises:
            CheckpointError: `metrics` or `extra` contain values that a checkpoint cannot store.
            SpaceError: the disk is full; every earlier checkpoint is intact.
        """
        checkpoint = self._checkpoint(epoch, model, optimizer, train_args, metrics, extra)
        path = self._run.checkpoints / filename if filename else self._run.numbered(checkpoint.epoch)
        checkpoint.write(path)
        if is_best:
            self.write_best(checkpoint)
        self._prune()
        return path

    def save_best(
        self,
        epoch: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train_args: Any,
        metrics: Mapping[str, Any],
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes best_model.pth and best_model_weights.pt; arguments as for `save_checkpoint`."""
        self.write_best(self._checkpoint(epoch, model, optimizer, train_args, metrics, extra))

    def save_latest(
        self,
        epoch: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train_args: Any,
        metrics: Mapping[str, Any],
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes latest_checkpoint.pth; arguments as for `save_checkpoint`."""
        self.write_latest(self._checkpoint(epoch, model, optimizer, train_args, metrics, extra))

    def write_numbered(self, checkpoint: Checkpoint) -> Path:
        """Writes checkpoints/checkpoint_epoch_NNN.pth, deletes surplus ones, and returns the path written."""
        path = self._run.numbered(checkpoint.epoch)
        self._kept(checkpoint).write(path)
        self._prune()
        return path

    def write_best(self, checkpoint: Checkpoint) -> None:
        """Writes best_model.pth and best_model_weights.pt."""
        self._kept(checkpoint).write(self._run.best)
        write_checkpoint(self._run.best_weights, checkpoint.deployed_weights)

    def write_latest(self, checkpoint: Checkpoint) -> None:
        """Writes latest_checkpoint.pth."""
        self._kept(checkpoint).write(self._run.latest)

    def load_checkpoint(
        self,
        path: str | Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        device: torch.device | str = "cpu",
    ) -> dict[str, Any]:
        """Loads a checkpoint into a model and an optimizer; on an error both are unchanged.

        Args:
            path: the checkpoint file.
            model: receives the weights and is moved to `device`.
            optimizer: receives the optimizer state, if the file has one.
            device: where the model computes afterwards.

        Returns:
            epoch, train_args, metrics, timestamp and all further keys of the file, except the state dicts.

        Raises:
            CheckpointError: missing, damaged, unsafe, or of a different architecture.
        """
        checkpoint = Checkpoint.read(Path(path))
        load_into(checkpoint, model, optimizer)
        model.to(device)
        return {key: value for key, value in checkpoint.to_dict().items() if not key.endswith("state_dict")}

    def get_latest_checkpoint(self) -> Path | None:
        """The newest intact checkpoint: latest_checkpoint.pth, else the newest intact one of the others."""
        return self.find_newest_good()[0]

    def find_newest_good(self) -> tuple[Path | None, list[CheckpointError]]:
        """The newest intact checkpoint (None if there is none), and the errors of the newer ones that were skipped."""
        damaged = []
        numbered = [path for _, path in reversed(self._run.numbered_checkpoints())]
        for path in [self._run.latest, *numbered, self._run.best]:
            if path.exists():
                try:
                    Checkpoint.read(path)
                except CheckpointError as error:
                    damaged.append(error)
                else:
                    return path, damaged
        return None, damaged

    def save_training_args(self, args: Any) -> None:
        """Writes training_args.json; values that JSON cannot represent become text."""
        write_json(self._run.training_args, for_json(_as_dict(args), not_finite=str))

    def _checkpoint(
        self,
        epoch: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train_args: Any,
        metrics: Mapping[str, Any],
        extra: Mapping[str, Any] | None,
    ) -> Checkpoint:
        content = {"model_state_dict": model.state_dict(), "train_args": _as_dict(train_args), "metrics": metrics}
        if self._save_optimizer:
            content["optimizer_state_dict"] = optimizer.state_dict()
        return Checkpoint.from_dict({"epoch": epoch, "timestamp": now(), **content, **(extra or {})})

    def _kept(self, checkpoint: Checkpoint) -> Checkpoint:
        return checkpoint if self._save_optimizer else dataclasses.replace(checkpoint, optimizer=None)

    def _prune(self) -> None:
        if self._keep_last_n is not None:
            for _, path in self._run.numbered_checkpoints()[: -self._keep_last_n]:
                remove(path)


def _as_dict(args: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(args) and not isinstance(args, type):
        return dataclasses.asdict(args)
    return dict(args) if isinstance(args, Mapping) else dict(vars(args))
