"""How far a run is: the epoch under way, and the best epoch so far."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from glint_unet.errors import NonFiniteLossError
from glint_unet.model.losses import TERMS


@dataclass
class EpochProgress:
    """The part of an epoch that is done.

    Attributes:
        batches_done: steps taken.
        images_done: images seen.
        term_sums: (T,) float64, each term of the loss (`TERMS`) summed over these images.
        seconds: time spent, over all processes that worked on this epoch.
        compute_seconds: the part of it in which steps were computed; in the rest they waited for data.
    """

    batches_done: int = 0
    images_done: int = 0
    term_sums: Tensor = field(default_factory=lambda: torch.zeros(len(TERMS), dtype=torch.float64))
    seconds: float = 0.0
    compute_seconds: float = 0.0

    def add(self, terms: Tensor, num_images: int) -> None:
        """Counts one step: terms (T,), each a mean over its images; nothing waits for the device."""
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

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EpochProgress":
        """What `to_dict` gave; terms that an earlier version did not have are 0.

        Raises:
            ValueError, TypeError, KeyError: it is something else.
        """
        progress = cls(**values)
        sums = progress.term_sums
        if not isinstance(sums, Tensor) or sums.ndim != 1 or not 1 <= len(sums) <= len(TERMS):
            raise ValueError("sums of other terms")
        return cls(
            int(progress.batches_done),
            int(progress.images_done),
            F.pad(sums.double(), (0, len(TERMS) - len(sums))).clone(),
            float(progress.seconds),
            float(progress.compute_seconds),
        )


@dataclass(frozen=True)
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

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Best":
        """What `to_dict` gave; raises ValueError, TypeError or KeyError where it is something else."""
        return cls(int(values["epoch"]), float(values["total"]), float(values["rank"]))
