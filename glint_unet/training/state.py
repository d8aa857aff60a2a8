"""What a run is at one instant: all that a checkpoint must hold for the rest to come out the same."""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from glint_unet.compute.device import amp_dtype
from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.split import Split
from glint_unet.errors import NonFiniteLossError
from glint_unet.model.losses import TERMS
from glint_unet.model.network import build_network
from glint_unet.runs.checkpoint import load_deployed_weights
from glint_unet.training.ema import AverageUpdate, averaged_copy
from glint_unet.training.schedule import learning_rate


@dataclass
class EpochProgress:
    """The part of an epoch that is done.

    Attributes:
        batches_done: steps taken.
        images_done: images seen.
        term_sums: (7,) float64, each term of the loss summed over these images.
        seconds: time spent, over all processes that worked on this epoch.
        compute_seconds: the part of it in which steps were computed; in the rest they waited for data.
    """

    batches_done: int = 0
    images_done: int = 0
    term_sums: Tensor = field(default_factory=lambda: torch.zeros(len(TERMS), dtype=torch.float64))
    seconds: float = 0.0
    compute_seconds: float = 0.0

    def add(self, terms: Tensor, num_images: int) -> None:
        """Counts one step: terms (7,), each a mean over its images; nothing waits for the device."""
        self.term_sums = self.term_sums.to(terms.device) + terms.detach().double() * num_images
        self.batches_done += 1
        self.images_done += num_images

    def means(self) -> dict[str, float]:
        """The true mean of every term over the images seen."""
        return dict(zip(TERMS, (self.term_sums / max(self.images_done, 1)).tolist(), strict=True))

    def check_finite(self, epoch: int) -> None:
        """Raises NonFiniteLossError once a loss was NaN or infinite; waits for the device."""
        if not torch.isfinite(self.term_sums).all():
            raise NonFiniteLossError("loss_not_finite", epoch=epoch, step=self.batches_done)

    def to_dict(self) -> dict[str, Any]:
        """Plain values and one tensor, for checkpoints."""
        return {
            "batches_done": self.batches_done,
            "images_done": self.images_done,
            "term_sums": self.term_sums.cpu(),
            "seconds": self.seconds,
            "compute_seconds": self.compute_seconds,
        }


@dataclass
class Best:
    """The best epoch so far.

    Attributes:
        epoch: its number; 0 while there is none.
        total: its validation loss.
        rank: what is compared, the less the better: the loss, minus f1, or px_error, as `best_metric` says.
    """

    epoch: int = 0
    total: float = math.inf
    rank: float = math.inf

    @classmethod
    def of_epoch(cls, epoch: int, val_metrics: Mapping[str, float | None], best_metric: str) -> "Best":
        """An epoch as a candidate; a metric without a value ranks last."""
        total, value = val_metrics["total"], val_metrics[best_metric]
        assert total is not None
        rank = math.inf if value is None else -value if best_metric == "f1" else value
        return cls(epoch, total, rank)

    def beats(self, other: "Best") -> bool:
        """Whether this epoch is better: a lower rank, or the same rank and a lower loss."""
        return (self.rank, self.total) < (other.rank, other.total)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for checkpoints."""
        return asdict(self)


def new_state(
    config: TrainConfig,
    info: DatasetInfo,
    device: torch.device,
    split: Split,
    dataset: dict[str, Any] | None = None,
    init: Path | None = None,
) -> "TrainState":
    """A run that begins.

    Args:
        config: all settings.
        info: what the data set declares.
        device: where the weights are to lie.
        split: train and validation rows.
        dataset: which data set they are rows of.
        init: a checkpoint or run directory whose best weights it begins with, instead of random ones.
    """
    network = build_network(config, info).to(device)
    if init is not None:
        load_deployed_weights(init, network)
    average = averaged_copy(network) if config.ema_decay else None
    scaler = torch.amp.GradScaler(device.type, enabled=amp_dtype(config.amp, device) == torch.float16)
    return TrainState(network, _optimizer(network, config), split, dataset or {}, average, scaler)


def _optimizer(network: nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019): convolutions decay, biases and normalisation do not."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, weight_decay=config.weight_decay, fused=True)


@dataclass
class TrainState:
    """A run between two steps.

    Attributes:
        network: the weights.
        optimizer: Adam's moments and learning rate.
        split: train and validation rows.
        dataset: which data set they are rows of: its MD5 and sizes.
        average: the moving average of the weights; None where `ema_decay` is 0.
        scaler: scales the loss where float16 would lose small gradients (`--amp fp16`); else it does nothing.
        epoch: epochs done.
        steps: optimizer steps taken.
        metrics: {'train', 'val'} of the last epoch done.
        best: the best epoch so far.
        progress: of the epoch under way.
        rollbacks: how often a loss that was not finite sent the run back to a checkpoint.
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
        """The network as training calls it: itself, or what distributes it over a group."""
        self._move_average = None if self.average is None else AverageUpdate(self.average, self.network)

    @property
    def judged(self) -> nn.Module:
        """The network that is validated and kept as best: the average, where there is one."""
        return self.network if self.average is None else self.average

    def set_learning_rate(self, config: TrainConfig, num_batches: int) -> None:
        """Sets the optimizer's learning rate for the next step; `num_batches` make an epoch."""
        epochs_done = self.epoch + self.progress.batches_done / num_batches
        lr = learning_rate(config, self.steps, epochs_done, self.rollbacks)
        for group in self.optimizer.param_groups:
            group["lr"] = lr

    def count_step(self, ema_decay: float) -> None:
        """After each optimizer step: counts it and moves the average."""
        self.steps += 1
        if self._move_average is not None:
            self._move_average(ema_decay, self.steps)

    def extra(self, history: list[dict[str, Any]]) -> dict[str, Any]:
        """What a checkpoint holds beside epoch, weights, optimizer, settings and metrics."""
        return {
            "best": self.best.to_dict(),
            "rollbacks": self.rollbacks,
            "steps": self.steps,
            **({} if self.average is None else {"ema_state_dict": self.average.state_dict()}),
            "scaler": self.scaler.state_dict(),
            "progress": self.progress.to_dict(),
            "split": self.split.to_dict(),
            "dataset": self.dataset,
            "history": history,
            "versions": {"torch": str(torch.__version__)},
        }
