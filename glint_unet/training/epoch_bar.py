"""The progress bar of an epoch: batches, loss, F1 of the last validation, and the remaining time of the run."""

from collections.abc import Iterable, Iterator

from tqdm import tqdm

from glint_unet.console import duration
from glint_unet.data.batch import Batch
from glint_unet.messages import text
from glint_unet.training.state import TrainState


class EpochBar:
    """Shown while an epoch trains, if the console is a terminal, and removed at its end.

    Args:
        state: the state of the run.
        epochs: number of epochs of the run.
        num_batches: batches of the current epoch, including those that an earlier process has done.
        is_shown: whether to show it on a terminal.
    """

    def __init__(self, state: TrainState, epochs: int, num_batches: int, *, is_shown: bool) -> None:
        self._state = state
        self._bar: tqdm[Batch] = tqdm(
            desc=f"Epoch {state.epoch + 1:03d}/{epochs:03d}",
            total=num_batches,
            initial=state.progress.batches_done,
            disable=None if is_shown else True,  # None: shown only on a terminal
            leave=False,
            unit="batch",
            dynamic_ncols=True,
        )

    def over(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """Yields the batches, and counts each one after it has been used."""
        with self._bar:
            for batch in batches:
                yield batch
                self._bar.update()

    def show(self, remaining_s: float | None) -> None:
        """Updates the figures; waits for the device, so call it only where that is done anyway."""
        if self._bar.disable:
            return
        f1 = self._state.metrics.get("val", {}).get("f1")
        figures = {
            "loss": f"{self._state.progress.means()['total']:.4f}",
            "F1": "-" if f1 is None else f"{f1:.3f}",
            text("bar_remaining"): "?" if remaining_s is None else duration(remaining_s),
        }
        self._bar.set_postfix(figures, refresh=False)
