"""A checkpoint as an object: read, checked and written in this one place; the file's form is SPEC's."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glint_unet.config import TrainConfig
from glint_unet.data.split import Split
from glint_unet.errors import CheckpointError, SettingError
from glint_unet.runs.checkpoint_file import read_checkpoint, write_checkpoint
from glint_unet.runs.plain_values import plain
from glint_unet.runs.progress import Best, EpochProgress

FORMAT_VERSION = 1


def now() -> str:
    """The local time as checkpoints state it."""
    return time.strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class RunState:
    """What a run is, beside its weights, as a resume goes on from it.

    Attributes:
        split: train and validation rows.
        dataset: the data set's MD5 (`md5`) and what it declares.
        best: the best epoch so far.
        rollbacks: how often a loss that was not finite sent the run back to a checkpoint.
        steps: optimizer steps taken.
        progress: of the epoch under way.
        history: the rows of metrics.json.
    """

    split: Split
    dataset: dict[str, Any]
    best: Best
    rollbacks: int
    steps: int
    progress: EpochProgress
    history: list[dict[str, Any]]

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "RunState":
        """What `to_dict` gave; raises ValueError, TypeError or KeyError where it is something else."""
        history = [dict(row) for row in values["history"]]
        if any(int(row["epoch"]) < 1 for row in history):
            raise ValueError("a row of an epoch below 1")
        return cls(
            split=Split.from_dict(values["split"]),
            dataset={**values["dataset"], "md5": str(values["dataset"]["md5"])},
            best=Best.from_dict(values["best"]),
            rollbacks=int(values["rollbacks"]),
            steps=int(values["steps"]),
            progress=EpochProgress.from_dict(values["progress"]),
            history=history,
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values and one tensor."""
        return {
            "split": self.split.to_dict(),
            "dataset": self.dataset,
            "best": self.best.to_dict(),
            "rollbacks": self.rollbacks,
            "steps": self.steps,
            "progress": self.progress.to_dict(),
            "history": self.history,
        }


_STATE_KEYS = tuple(part.name for part in fields(RunState))


@dataclass(frozen=True)
class Checkpoint:
    """All that one file of a run holds; what the original implementation did not store is None.

    Attributes:
        epoch: epochs done.
        weights: state dict of the network.
        train_args: the settings, plain values by name.
        metrics: {'train': ..., 'val': ...} of that epoch; empty before the first.
        timestamp: local time of writing, such as 2025-11-06 14:30:22.
        optimizer: state dict of the optimizer; None where it was left out.
        average: state dict of the moving average of the weights; None where there is none.
        scaler: state dict of the loss scaler (`--amp fp16`).
        state: of the run, beside its weights; None unless all parts of it are there.
        more: what the caller of `CheckpointManager` added.
        path: the file that it was read from.
    """

    epoch: int
    weights: Mapping[str, Tensor]
    train_args: dict[str, Any]
    metrics: dict[str, Any]
    timestamp: str = field(default_factory=now)
    optimizer: dict[str, Any] | None = None
    average: Mapping[str, Tensor] | None = None
    scaler: dict[str, Any] | None = None
    state: RunState | None = None
    more: dict[str, Any] = field(default_factory=dict)
    path: Path | None = None

    @classmethod
    def read(cls, path: Path) -> "Checkpoint":
        """Reads a file onto the CPU and checks every part of it.

        Raises:
            CheckpointError: missing, damaged, hostile, or only weights.
        """
        return cls.from_dict(read_checkpoint(path), path)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], path: Path | None = None) -> "Checkpoint":
        """A file's content, checked.

        Raises:
            CheckpointError: a part of it is of another type or form.
        """
        rest = {name: value for name, value in content.items() if name != "format_version"}
        try:
            state = RunState.from_dict(rest) if rest.keys() >= set(_STATE_KEYS) else None
            checkpoint = cls(
                epoch=int(rest.pop("epoch")),
                weights=_state_dict(rest.pop("model_state_dict")),
                train_args=dict(rest.pop("train_args")),
                metrics=dict(rest.pop("metrics")),
                timestamp=str(rest.pop("timestamp")),
                optimizer=rest.pop("optimizer_state_dict", None),
                average=_state_dict(rest.pop("ema_state_dict")) if "ema_state_dict" in rest else None,
                scaler=_scaler_state(rest.pop("scaler", None)),
                state=state,
                more=rest if state is None else {n: value for n, value in rest.items() if n not in _STATE_KEYS},
                path=path,
            )
        except Exception as error:  # a hostile file's parts may be of any type
            raise CheckpointError("checkpoint_damaged", path=path, reason=type(error).__name__) from error
        return checkpoint

    def to_dict(self) -> dict[str, Any]:
        """The file's content: tensors and plain Python values.

        Raises:
            CheckpointError: a value is of another type; no checkpoint that holds it could be read again.
        """
        content: dict[str, Any] = {
            "format_version": FORMAT_VERSION,
            "epoch": int(self.epoch),
            "train_args": plain(self.train_args, str),
            "metrics": self.metrics,
            "timestamp": self.timestamp,
            **self.more,
            "scaler": self.scaler,
            **(self.state.to_dict() if self.state else {}),
            "optimizer_state_dict": self.optimizer,
        }
        content = {str(name): _storable(name, value) for name, value in content.items() if value is not None}
        content["model_state_dict"] = self.weights
        if self.average is not None:
            content["ema_state_dict"] = self.average
        return content

    def write(self, path: Path) -> None:
        """Writes the whole file, or leaves the earlier one; raises as `write_checkpoint` and `to_dict` do."""
        write_checkpoint(path, self.to_dict())

    @property
    def deployed_weights(self) -> Mapping[str, Tensor]:
        """The weights that its figures were measured with: the moving average, where there is one."""
        return self.weights if self.average is None else self.average

    @property
    def position(self) -> tuple[int, int]:
        """Epochs done, and batches done of the epoch under way."""
        return self.epoch, self.state.progress.batches_done if self.state else 0

    @property
    def config(self) -> TrainConfig:
        """The settings that it was trained with.

        Raises:
            CheckpointError: they are none of ours.
        """
        try:
            return TrainConfig.from_dict(self.train_args)
        except (SettingError, TypeError, ValueError) as error:
            raise CheckpointError("checkpoint_damaged", path=self.path, reason=error) from error

    def run_state(self) -> RunState:
        """The state, for who needs it.

        Raises:
            CheckpointError: it, or a part of it, is not there; the original implementation stored none.
        """
        if self.state is None:
            missing = ", ".join(name for name in _STATE_KEYS if name not in self.more)
            raise CheckpointError("checkpoint_incomplete", path=self.path, missing=missing)
        return self.state


def _state_dict(value: Any) -> Mapping[str, Tensor]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise TypeError("no state dict")
    return value


def _scaler_state(value: Any) -> dict[str, Any] | None:
    """None or {} where the arithmetic needs no scaler."""
    if value is None:
        return None
    state = {name: int(number) if isinstance(number, int) else float(number) for name, number in value.items()}
    if state:
        torch.amp.GradScaler("cpu").load_state_dict(state)  # raises where a number is missing
    return state


def _storable(name: str, value: Any) -> Any:
    """A part of a checkpoint as `weights_only` loads it."""

    def tensor_or_refused(item: Any) -> Any:
        if isinstance(item, Tensor):
            return item
        raise CheckpointError("checkpoint_not_plain", part=name, value=item, kind=type(item).__name__)

    return plain(value, tensor_or_refused)
