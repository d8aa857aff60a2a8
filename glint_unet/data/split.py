"""Training and validation rows, drawn once per run; and the order of the batches, a function of (seed, epoch).

Both are derived from the raw bits of the Philox counter generator, whose stream NumPy guarantees across versions
(unlike `permutation` and `shuffle`), so a run resumed under a later NumPy still sees the same batches.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glint_unet.errors import DatasetError

_SPLIT_STREAM = 2**63


@dataclass(frozen=True)
class Split:
    """Row numbers of the data set, increasing.

    Attributes:
        train: (n,) int64, the rows trained on.
        val: (m,) int64, the rows validated on; none of them in `train`.
    """

    train: NDArray[np.int64]
    val: NDArray[np.int64]

    def to_dict(self) -> dict[str, list[int]]:
        """Plain lists, for JSON and checkpoints."""
        return {"train": self.train.tolist(), "val": self.val.tolist()}

    @classmethod
    def from_dict(cls, values: dict[str, list[int]]) -> "Split":
        """The split that `to_dict` wrote."""
        return cls(np.array(values["train"], dtype=np.int64), np.array(values["val"], dtype=np.int64))


def shuffled(rows: NDArray[np.int64], seed: int, stream: int) -> NDArray[np.int64]:
    """The rows in an order that depends on (seed, stream) alone."""
    bits = np.random.Philox(key=[seed, stream]).random_raw(len(rows))
    return rows[np.argsort(bits, kind="stable")]


def draw_split(num_images: int, val_split: float, seed: int) -> Split:
    """Draws round(N * val_split) validation rows.

    Raises:
        DatasetError: too few images to leave one on each side.
    """
    num_val = round(num_images * val_split)
    if not 1 <= num_val < num_images:
        raise DatasetError("dataset_too_small", num=num_images, val_split=val_split, num_val=num_val)
    order = shuffled(np.arange(num_images, dtype=np.int64), seed, _SPLIT_STREAM)
    return Split(train=np.sort(order[num_val:]), val=np.sort(order[:num_val]))


def epoch_batches(rows: NDArray[np.int64], batch: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The batches of one epoch, each an array of row numbers; the last one may be smaller."""
    order = shuffled(rows, seed, epoch)
    return [order[start : start + batch] for start in range(0, len(order), batch)]
