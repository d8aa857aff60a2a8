"""The progress of a run: the current epoch, and the best epoch so far."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from glint_unet.errors import NonFiniteLossError
from glint_unet.model.losses import TERMS

_FEWEST_TERMS = TERMS.index("votes")  # the earliest checkpoints hold the sums of all terms before this one


@dataclass
class EpochProgress:
    """The completed part of an epoch.

    Attributes:
        batches_done: batches trained on.
        images_done: images trained on.
        term_sums: (T,) float64, each loss term (`TERMS`) summed over these images.
        seconds: training time, including that of earlier, interrupted processes.
        compute_seconds: the part of it spent computing steps; the rest was spent waiting for data.
    """

    batches_done: int = 0
    images_done: int = 0
    term_sums: Tensor = field(default_factory=lambda: torch.zeros(len(TERMS), dtype=torch.float64))
    seconds: float = 0.0
    compute_seconds: float = 0.0

    def add(self, terms: Tensor, num_images: int) -> None:
        """Adds one step without synchronising with the device; terms: (T,), each the mean over `num_images`."""
        self.term_sums = self.term_sums.to(terms.device) + terms.detach().double() * num_images
        self.batches_done += 1
        self.images_done += num_images

    def means(self) -> dict[str, float]:
        """The mean of every loss term over the images so far."""
        return dict(zip(TERMS, (self.term_sums / max(self.images_done, 1)).tolist(), strict=True))

    def check_finite(self, epoch: int) -> None:
        """Synchronises with the device; raises NonFiniteLossError if any loss so far was NaN or infinite."""
        if not torch.isfinite(self.term_sums).all():
            raise NonFiniteLossError("loss_not_finite", epoch=epoch, step=self.batches_done)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values and one tensor, for checkpoints."""
        return {
            "batches_done": self.batches_done,
            "images_done": self.images_done,
            "term_sums": self.term_sums.cpu(),
            "seconds": self.seconds,
            "compute_seconds": self.compute_seconds,
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "EpochProgress":
        """The inverse of `to_dict`; loss terms that an earlier version did not have are 0.

        Raises:
            ValueError, TypeError, KeyError: `values` was not written by `to_dict`.
        """
        progress = cls(**values)
        sums = progress.term_sums
        if not isinstance(sums, Tensor) or sums.ndim != 1 or not _FEWEST_TERMS <= len(sums) <= len(TERMS):
            raise ValueError("term_sums of unknown loss terms")
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
        epoch: its number; 0 if there is none yet.
        total: its validation loss.
        rank: the value compared, lower is better: the loss, -f1 or px_error, according to `best_metric`.
    """

    epoch: int = 0
    total: float = math.inf
    rank: float = math.inf

    @classmethod
    def of_epoch(cls, epoch: int, val_metrics: Mapping[str, float | None], best_metric: str) -> "Best":
        """An epoch as a candidate for the best; a metric without a value ranks last."""
        total, value = val_metrics["total"], val_metrics[best_metric]
        assert total is not None
        rank = math.inf if value is None else -value if best_metric == "f1" else value
        return cls(epoch, total, rank)

    def beats(self, other: "Best") -> bool:
        """Whether this epoch is better: a lower rank, or equal rank and a lower loss."""
        return (self.rank, self.total) < (other.rank, other.total)

    def to_dict(self) -> dict[str, Any]:
        """Plain Python values, for checkpoints."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Best":
        """The inverse of `to_dict`.

        Raises:
            ValueError, TypeError, KeyError: `values` was not written by `to_dict`.
        """
        return cls(int(values["epoch"]), float(values["total"]), float(values["rank"]))
