"""The checkpoints of a run: best, latest and numbered; none is ever half-written."""

import dataclasses
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from glint_unet.errors import CheckpointError
from glint_unet.files import remove, write_json
from glint_unet.runs.checkpoint_file import check_fits, deployed_weights, read_checkpoint, write_checkpoint
from glint_unet.runs.run_directory import RunDirectory

FORMAT_VERSION = 1


class CheckpointManager:
    """Writes, prunes, finds and loads the checkpoints of a run directory.

    Args:
        output_dir: the run directory; made if missing.
        save_optimizer: keep the optimizer's state; without it a resume is not exact.
        keep_last_n: how many numbered checkpoints to keep; None keeps all.
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
        """Writes checkpoints/checkpoint_epoch_NNN.pth, or `filename` there, and prunes the oldest numbered ones.

        Args:
            epoch: epochs done.
            model: its state dict is kept.
            optimizer: its state dict is kept, unless `save_optimizer` is off.
            train_args: settings: a dataclass, a mapping or an argparse namespace.
            metrics: {'train': ..., 'val': ...} of that epoch.
            is_best: also write best_model.pth and best_model_weights.pt.
            filename: a name of your own inside checkpoints/.
            extra: further keys, of tensors and plain Python values only.

        Returns:
            The file written.

        Raises:
            SpaceError: the disk is full; every earlier checkpoint is intact.
        """
        content = self._content(epoch, model, optimizer, train_args, metrics, extra)
        path = self._run.checkpoints / filename if filename else self._run.numbered(epoch)
        write_checkpoint(path, content)
        if is_best:
            self._write_best(content)
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
        """Writes best_model.pth and best_model_weights.pt; arguments as `save_checkpoint`."""
        self._write_best(self._content(epoch, model, optimizer, train_args, metrics, extra))

    def save_latest(
        self,
        epoch: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train_args: Any,
        metrics: Mapping[str, Any],
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes latest_checkpoint.pth; arguments as `save_checkpoint`."""
        write_checkpoint(self._run.latest, self._content(epoch, model, optimizer, train_args, metrics, extra))

    def load_checkpoint(
        self,
        path: str | Path,
        model: nn.Module,
        optimizer: torch.optim.Optimizer | None = None,
        device: torch.device | str = "cpu",
    ) -> dict[str, Any]:
        """Loads a checkpoint into a model and an optimizer, or raises and leaves both as they were.

        Returns:
            epoch, train_args, metrics, timestamp and whatever else the file holds, but no state dict.

        Raises:
            CheckpointError: missing, damaged, hostile, or of another architecture.
        """
        content = read_checkpoint(Path(path))
        restore(content, Path(path), model, optimizer)
        model.to(device)
        return {key: value for key, value in content.items() if not key.endswith("state_dict")}

    def get_latest_checkpoint(self) -> Path | None:
        """The newest good checkpoint: latest_checkpoint.pth, else the newest of the others that is whole."""
        return self.find_newest_good()[0]

    def find_newest_good(self) -> tuple[Path | None, list[CheckpointError]]:
        """The newest good checkpoint, and what is wrong with the newer ones that were passed over."""
        damaged = []
        numbered = [path for _, path in reversed(self._run.numbered_checkpoints())]
        for path in [self._run.latest, *numbered, self._run.best]:
            if path.exists():
                try:
                    read_checkpoint(path)
                except CheckpointError as error:
                    damaged.append(error)
                else:
                    return path, damaged
        return None, damaged

    def save_training_args(self, args: Any) -> None:
        """Writes training_args.json; what JSON cannot hold becomes text."""
        write_json(self._run.training_args, _as_dict(args))

    def _content(
        self,
        epoch: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        train_args: Any,
        metrics: Mapping[str, Any],
        extra: Mapping[str, Any] | None,
    ) -> dict[str, Any]:
        content = {
            "format_version": FORMAT_VERSION,
            "epoch": epoch,
            "model_state_dict": model.state_dict(),
            "train_args": {name: _plain(value) for name, value in _as_dict(train_args).items()},
            "metrics": dict(metrics),
            "timestamp": time.strftime("%Y-%m-%d %H:%M:%S"),
            **(extra or {}),
        }
        if self._save_optimizer:
            content["optimizer_state_dict"] = optimizer.state_dict()
        return content

    def _write_best(self, content: Mapping[str, Any]) -> None:
        write_checkpoint(self._run.best, content)
        write_checkpoint(self._run.best_weights, deployed_weights(content))

    def _prune(self) -> None:
        if self._keep_last_n is not None:
            for _, path in self._run.numbered_checkpoints()[: -self._keep_last_n]:
                remove(path)


def load_deployed_weights(path: Path, model: nn.Module) -> None:
    """Puts the best weights of a run directory, or those of a checkpoint, into a model of the same architecture.

    Raises:
        CheckpointError: missing, damaged, or of another architecture; the model is as it was.
    """
    path = RunDirectory(path).best if path.is_dir() else path
    weights = deployed_weights(read_checkpoint(path))
    check_fits(weights, model, path)
    model.load_state_dict(weights)


def restore(
    content: Mapping[str, Any], path: Path, model: nn.Module, optimizer: torch.optim.Optimizer | None = None
) -> None:
    """Puts a checkpoint's state into a model and an optimizer, or raises and leaves both as they were.

    Raises:
        CheckpointError: of another architecture, or an optimizer state that does not belong to these weights.
    """
    check_fits(content["model_state_dict"], model, path)
    if optimizer is not None and "optimizer_state_dict" in content:
        before = optimizer.state_dict()
        try:
            optimizer.load_state_dict(content["optimizer_state_dict"])
            _lay_out_moments(optimizer)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            optimizer.load_state_dict(before)
            raise CheckpointError("checkpoint_other_optimizer", path=path, reason=error) from error
    model.load_state_dict(content["model_state_dict"])


def _lay_out_moments(optimizer: torch.optim.Optimizer) -> None:
    """Brings the moments into their weights' memory format: fused AdamW (torch 2.13) goes by memory, not by index."""
    for parameter, state in optimizer.state.items():
        for name, value in state.items():
            if name == "step":
                continue
            if value.shape != parameter.shape:
                raise ValueError(f"{name} {tuple(value.shape)} != {tuple(parameter.shape)}")
            state[name] = torch.empty_like(parameter, requires_grad=False).copy_(value)


def _as_dict(args: Any) -> dict[str, Any]:
    if dataclasses.is_dataclass(args) and not isinstance(args, type):
        return dataclasses.asdict(args)
    return dict(args) if isinstance(args, Mapping) else dict(vars(args))


def _plain(value: Any) -> Any:
    """What `weights_only` refuses to load must not be saved: other objects become text."""
    return value if isinstance(value, (str, int, float, bool, list, dict, type(None))) else str(value)
