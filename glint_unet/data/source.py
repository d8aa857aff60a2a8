"""What every source of batches offers to the training loop."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence

from glint_unet.data.batch import Batch, Rows
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.messages import text


class Source(ABC):
    """A source of batches. Subclasses implement `gather` and `describe`; the other methods have defaults.

    Attributes:
        info: what the data set declares.
    """

    info: DatasetInfo

    @abstractmethod
    def gather(self, rows: Rows) -> Batch:
        """The batch of the given rows (B,) int64, in this order."""

    @abstractmethod
    def describe(self) -> str:
        """A log line stating where the data is held, in the current language."""

    def hint(self) -> str:
        """Advice for a data-loading bottleneck, as the end of a sentence, in the current language."""
        return text("faster_in_memory")

    def rows_of_epoch(self, batches_of_rows: Sequence[Rows], epoch: int) -> Sequence[Rows]:
        """The rows that an epoch trains on.

        Args:
            batches_of_rows: the batches of the epoch, as training rows of the split.
            epoch: epoch number, from 1.
        """
        return batches_of_rows

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """Yields the batches of the given rows, in order."""
        return map(self.gather, batches_of_rows)

    def close(self) -> None:  # noqa: B027 (most sources hold nothing)
        """Releases all resources; further calls do nothing."""
