"""SIGINT, SIGTERM and SIGUSR1 (Slurm's warning) stop a run after the current step, with a checkpoint."""

import signal
import threading
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGUSR1)


class Interrupted(Exception):  # noqa: N818 - not an error: the run stopped on request
    """The run was stopped by a signal; its state is saved.

    Args:
        signal_number: the signal; the process exits with status 128 + that number.
    """

    def __init__(self, signal_number: int) -> None:
        super().__init__(signal_number)
        self.signal_number = signal_number


class StopSignals:
    """A context manager that catches the stop signals; a second SIGINT aborts immediately.

    Attributes:
        received: number of the signal received, or None.
    """

    def __init__(self) -> None:
        self.received: int | None = None
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._receive) for number in STOP_SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def cut_short(self, items: Iterable[T]) -> Iterator[T]:
        """Yields the items until a signal arrives."""
        for item in items:
            yield item
            if self.received is not None:
                return

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.received = number
