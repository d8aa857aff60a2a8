"""Computes items ahead of time in loader processes, and returns the results in order."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from torch.utils.data import DataLoader, Dataset

from glint_unet.errors import GlintError, LoaderError

Item = TypeVar("Item")
Made = TypeVar("Made")


def useful_workers(num_workers: int) -> int:
    """`num_workers`, limited to the number of cores available to this process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(num_workers, cores or 1)


def by_workers(make: Callable[[Item], Made], items: Sequence[Item], num_workers: int) -> Iterator[Made]:
    """Yields `make(item)` for every item, in order, computed in loader processes (in this process if 0 workers).

    Raises:
        LoaderError: a loader process died.
        GlintError: raised by `make` in any process.
    """
    loader = DataLoader(
        _EachItem(make, items),
        batch_size=None,
        num_workers=min(num_workers, len(items)),
        worker_init_fn=leave_signals_to_the_parent,
    )
    made = iter(loader)
    while True:
        try:
            one = next(made, None)
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise LoaderError("loader_died", reason=_exits_of(made), workers=num_workers) from error
        if one is None:
            return
        if isinstance(one, GlintError):
            raise one
        yield one


def leave_signals_to_the_parent(worker_number: int) -> None:
    """Makes a worker ignore Ctrl-C, which reaches the whole process group: the trainer still needs its batches."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exits_of(made: Any) -> str:
    """The signal name or exit status of each loader process that has failed."""
    exits = []
    for process in getattr(made, "_workers", []):
        process.join(timeout=1.0)
        if process.exitcode:
            exits.append(signal.Signals(-process.exitcode).name if process.exitcode < 0 else f"exit {process.exitcode}")
    return ", ".join(exits) or "?"


class _EachItem(Dataset[Any]):
    """The results of all items; a GlintError raised by an item is returned as its result."""

    def __init__(self, make: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self._make = make
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, k: int) -> Any:
        try:
            return self._make(self._items[k])
        except GlintError as error:
            return error
