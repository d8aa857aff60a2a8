"""The train/validation split, drawn once per run, and the order of batches, a function of (seed, epoch).

Both are derived from the raw bits of the Philox counter-based generator, whose stream NumPy guarantees across versions
(unlike `permutation` and `shuffle`), so a run resumed with a later NumPy gets the same batches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glint_unet.errors import DatasetError

_SPLIT_STREAM = 2**63


@dataclass(frozen=True)
class Split:
    """A train/validation split of the rows of a data set, in increasing order.

    Attributes:
        train: (n,) int64 training rows.
        val: (m,) int64 validation rows, disjoint from `train`.
    """

    train: NDArray[np.int64]
    val: NDArray[np.int64]

    def to_dict(self) -> dict[str, list[int]]:
        """Plain lists, for JSON and checkpoints."""
        return {"train": self.train.tolist(), "val": self.val.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, list[int]]) -> "Split":
        """The inverse of `to_dict`."""
        return cls(np.array(values["train"], dtype=np.int64), np.array(values["val"], dtype=np.int64))


def shuffled(rows: NDArray[np.int64], seed: int, stream: int) -> NDArray[np.int64]:
    """The rows in a random order that is a function of (seed, stream)."""
    bits = np.random.Philox(key=[seed, stream]).random_raw(len(rows))
    return rows[np.argsort(bits, kind="stable")]


def evenly(rows: NDArray[np.int64], most: int) -> NDArray[np.int64]:
    """At most `most` of the rows, evenly spaced from the first to the last."""
    chosen: NDArray[np.int64] = rows[np.linspace(0, len(rows) - 1, min(most, len(rows))).astype(int)]
    return chosen


def draw_split(num_images: int, val_split: float, seed: int) -> Split:
    """Draws a split with round(num_images * val_split) validation rows.

    Raises:
        DatasetError: the training or the validation set would be empty.
    """
    num_val = round(num_images * val_split)
    if not 1 <= num_val < num_images:
        raise DatasetError("dataset_too_small", num=num_images, val_split=val_split, num_val=num_val)
    order = shuffled(np.arange(num_images, dtype=np.int64), seed, _SPLIT_STREAM)
    return Split(train=np.sort(order[num_val:]), val=np.sort(order[:num_val]))


def epoch_batches(rows: NDArray[np.int64], batch: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The batches of one epoch, each an int64 array of at most `batch` row numbers; only the last may be smaller."""
    order = shuffled(rows, seed, epoch)
    return [order[start : start + batch] for start in range(0, len(order), batch)]
