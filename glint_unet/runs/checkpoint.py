"""The checkpoint as a typed object: the only place where checkpoints are read, validated and written."""

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
from glint_unet.model.constellation import Constellation
from glint_unet.model.metrics import PRESENT_FROM_SCORE
from glint_unet.runs.checkpoint_file import read_checkpoint, write_checkpoint
from glint_unet.runs.plain_values import plain
from glint_unet.runs.progress import Best, EpochProgress

FORMAT_VERSION = 1


def now() -> str:
    """The local time in the format of checkpoints: 2025-11-06 14:30:22."""
    return time.strftime("%Y-%m-%d %H:%M:%S")


@dataclass(frozen=True)
class RunState:
    """Everything besides the weights that a resume needs.

    Attributes:
        split: training and validation rows.
        dataset: the data set's MD5 (`md5`) and what its file declares.
        best: the best epoch so far.
        rollbacks: number of returns to a checkpoint after a non-finite loss.
        steps: optimizer steps taken.
        progress: progress of the current epoch.
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
        """The inverse of `to_dict`.

        Raises:
            ValueError, TypeError, KeyError: `values` was not written by `to_dict`.
        """
        history = [dict(row) for row in values["history"]]
        if any(int(row["epoch"]) < 1 for row in history):
            raise ValueError("history row with an epoch below 1")
        Constellation.of_run(values["dataset"])  # raises where it is damaged
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
        """Plain Python values and one tensor."""
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
    """The content of one checkpoint file; fields that the original implementation did not store are None.

    Attributes:
        epoch: epochs completed.
        weights: state dict of the network.
        train_args: the settings, plain values by name.
        metrics: {'train': ..., 'val': ...} of that epoch; empty before the first.
        timestamp: local time of writing, e.g. 2025-11-06 14:30:22.
        optimizer: state dict of the optimizer; None if it was not saved.
        average: state dict of the moving average of the weights; None if there is no average.
        scaler: state dict of the loss scaler (`--amp fp16`).
        state: state of the run besides the weights; None unless it is complete.
        more: additional keys passed to `CheckpointManager`.
        path: the file it was read from.
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
        """Reads a file onto the CPU and validates every part of it.

        Raises:
            CheckpointError: missing, damaged, unsafe, or a bare state dict.
        """
        return cls.from_dict(read_checkpoint(path), path)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], path: Path | None = None) -> "Checkpoint":
        """Builds a checkpoint from the content of a file.

        Raises:
            CheckpointError: a part has the wrong type or structure.
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
        except Exception as error:  # parts of a malicious file may be of any type
            raise CheckpointError("checkpoint_damaged", path=path, reason=type(error).__name__) from error
        return checkpoint

    def to_dict(self) -> dict[str, Any]:
        """The content of the file: tensors and plain Python values.

        Raises:
            CheckpointError: a value is neither, and could not be read back with `weights_only=True`.
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
        """Replaces the file atomically; raises as `write_checkpoint` and `to_dict` do."""
        write_checkpoint(path, self.to_dict())

    @property
    def deployed_weights(self) -> Mapping[str, Tensor]:
        """The weights that were validated: the moving average if there is one, else the weights themselves."""
        return self.weights if self.average is None else self.average

    @property
    def position(self) -> tuple[int, int]:
        """Completed epochs, and completed batches of the current epoch."""
        return self.epoch, self.state.progress.batches_done if self.state else 0

    @property
    def config(self) -> TrainConfig:
        """The training settings.

        Raises:
            CheckpointError: `train_args` are not valid settings.
        """
        try:
            return TrainConfig.from_dict(self.train_args)
        except (SettingError, TypeError, ValueError) as error:
            raise CheckpointError("checkpoint_damaged", path=self.path, reason=error) from error

    @property
    def threshold(self) -> float:
        """The score from which on a glint counts as present, as chosen on the validation images of its epoch."""
        chosen = self.metrics.get("val", {}).get("threshold")
        return PRESENT_FROM_SCORE if chosen is None else float(chosen)

    def run_state(self) -> RunState:
        """The state of the run, for callers that require it.

        Raises:
            CheckpointError: it is missing or incomplete, as in checkpoints of the original implementation.
        """
        if self.state is None:
            missing = ", ".join(name for name in _STATE_KEYS if name not in self.more)
            raise CheckpointError("checkpoint_incomplete", path=self.path, missing=missing)
        return self.state


def _state_dict(value: Any) -> Mapping[str, Tensor]:
    if not isinstance(value, dict) or not all(isinstance(name, str) for name in value):
        raise TypeError("not a state dict")
    return value


def _scaler_state(value: Any) -> dict[str, Any] | None:
    """The scaler's state, checked; None or {} if the precision needs no loss scaling."""
    if value is None:
        return None
    state = {name: int(number) if isinstance(number, int) else float(number) for name, number in value.items()}
    if state:
        torch.amp.GradScaler("cpu").load_state_dict(state)  # raises where a number is missing
    return state


def _storable(name: str, value: Any) -> Any:
    """Converts a part of a checkpoint to the types that `weights_only=True` loads."""

    def tensor_or_refused(item: Any) -> Any:
        if isinstance(item, Tensor):
            return item
        raise CheckpointError("checkpoint_not_plain", part=name, value=item, kind=type(item).__name__)

    return plain(value, tensor_or_refused)
