"""The state of a run between two steps: everything a checkpoint must contain for an exact resume."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from glint_unet.compute.device import amp_dtype
from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.split import Split
from glint_unet.errors import NonFiniteLossError
from glint_unet.model.constellation import Constellation
from glint_unet.model.network import build_network
from glint_unet.runs.checkpoint import Checkpoint, RunState
from glint_unet.runs.progress import Best, EpochProgress
from glint_unet.training.ema import AverageUpdate, averaged_copy
from glint_unet.training.schedule import (
    learning_rate,
    set_statistics_momentum,
    statistics_momentum,
    steps_per_epoch,
)


@dataclass(frozen=True)
class EpochResult:
    """The outcome of an epoch.

    Attributes:
        progress: its training progress, with the sums of the loss terms.
        is_best: whether it is the best epoch so far.
    """

    progress: EpochProgress
    is_best: bool


def new_state(
    config: TrainConfig,
    info: DatasetInfo,
    device: torch.device,
    split: Split,
    dataset: dict[str, Any] | None = None,
    weights: Mapping[str, Tensor] | None = None,
) -> "TrainState":
    """The initial state of a new run.

    Args:
        config: all settings.
        info: what the data set declares.
        device: the device of the weights.
        split: training and validation rows.
        dataset: identity of the data set: its MD5 and sizes.
        weights: by name, those that replace the random initial ones.
    """
    network = build_network(config, info).to(device)
    set_statistics_momentum(network, statistics_momentum(config, steps_per_epoch(config, len(split.train))))
    network.load_state_dict(weights or {}, strict=False)
    average = averaged_copy(network) if config.ema_decay else None
    scaler = torch.amp.GradScaler(device.type, enabled=amp_dtype(config.amp, device) == torch.float16)
    return TrainState(network, _optimizer(network, config), split, dataset or {}, average, scaler)


def _optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019), with weight decay on convolutions only, not on biases or norms."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, weight_decay=config.weight_decay, fused=True)


@dataclass
class TrainState:
    """The state of a run between two steps.

    Attributes:
        network: the network in training.
        optimizer: AdamW, with its moments and learning rate.
        split: training and validation rows.
        dataset: identity of the data set: its MD5 and sizes.
        average: the moving average of the weights; None if `ema_decay` is 0.
        scaler: the loss scaler of `--amp fp16`; disabled otherwise.
        epoch: epochs completed.
        steps: optimizer steps taken.
        metrics: {'train', 'val'} of the last completed epoch.
        best: the best epoch so far.
        progress: progress of the current epoch.
        rollbacks: number of returns to a checkpoint after a non-finite loss.
    """

    network: nn.Module
    optimizer: torch.optim.Optimizer
    split: Split
    dataset: dict[str, Any]
    average: nn.Module | None = None
    scaler: torch.amp.GradScaler = field(default_factory=lambda: torch.amp.GradScaler("cpu", enabled=False))
    epoch: int = 0
    steps: int = 0
    metrics: dict[str, Any] = field(default_factory=dict)
    best: Best = field(default_factory=Best)
    progress: EpochProgress = field(default_factory=EpochProgress)
    rollbacks: int = 0

    def __post_init__(self) -> None:
        self.forward: Callable[[Tensor], Tensor] = self.network
        """What training calls: the network itself, or its data-parallel wrapper."""
        self._move_average = None if self.average is None else AverageUpdate(self.average, self.network)

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and saved as the best model: the average if there is one."""
        return self.network if self.average is None else self.average

    @property
    def constellation(self) -> Constellation | None:
        """That of the LEDs, as the run recorded it when it began; None where it has none."""
        return Constellation.of_run(self.dataset)

    def set_learning_rate(self, config: TrainConfig, num_batches: int) -> None:
        """Sets the learning rate for the next step; `num_batches` is the number of batches per epoch."""
        epochs_done = self.epoch + self.progress.batches_done / num_batches
        lr = learning_rate(config, num_batches, self.steps, epochs_done, self.rollbacks)
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def count_step(self, ema_decay: float) -> None:
        """Counts an optimizer step and updates the average."""
        self.steps += 1
        if self._move_average is not None:
            self._move_average(ema_decay, self.steps)

    def is_finite(self) -> bool:
        """Whether the losses of the current epoch and the weights are finite; waits for the device."""
        weights = torch.stack([tensor.isfinite().all() for tensor in self.network.state_dict().values()])
        return bool(self.progress.term_sums.isfinite().all()) and bool(weights.all())

    def is_stalled(self, patience: int) -> bool:
        """Whether the last `patience` epochs have brought no better one; never if `patience` is 0."""
        return bool(patience and self.best.epoch) and self.epoch - self.best.epoch >= patience

    def finish_epoch(self, val_metrics: Mapping[str, float | None], best_metric: str) -> EpochResult:
        """Completes the current epoch: counts it, stores its metrics, and compares it with the best.

        Args:
            val_metrics: validation metrics by name; None where a metric is undefined.
            best_metric: the metric that ranks epochs.

        Raises:
            NonFiniteLossError: the validation loss is NaN or infinite; the state is unchanged.
        """
        total = val_metrics["total"]
        if total is None or not math.isfinite(total):
            raise NonFiniteLossError("loss_not_finite", epoch=self.epoch + 1, step=self.progress.batches_done)
        progress = self.progress
        self.epoch += 1
        self.progress = EpochProgress()
        self.metrics = {"train": progress.means(), "val": dict(val_metrics)}
        candidate = Best.of_epoch(self.epoch, val_metrics, best_metric)
        is_best = candidate.beats(self.best)
        if is_best:
            self.best = candidate
        return EpochResult(progress, is_best)

    def checkpoint(self, config: TrainConfig, history: list[dict[str, Any]]) -> Checkpoint:
        """The checkpoint of this state.

        Args:
            config: all settings.
            history: the rows of metrics.json.
        """
        state = RunState(self.split, self.dataset, self.best, self.rollbacks, self.steps, self.progress, history)
        return Checkpoint(
            epoch=self.epoch,
            weights=self.network.state_dict(),
            train_args=config.to_dict(),
            metrics=self.metrics,
            optimizer=self.optimizer.state_dict(),
            average=None if self.average is None else self.average.state_dict(),
            scaler=self.scaler.state_dict(),
            state=state,
            more={"versions": {"torch": str(torch.__version__)}},
        )
