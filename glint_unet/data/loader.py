"""Work that loader processes do ahead of its use: items in, results out, in order."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from torch.utils.data import DataLoader, Dataset

from glint_unet.errors import GlintError, LoaderError

Item = TypeVar("Item")
Made = TypeVar("Made")


def useful_workers(num_workers: int) -> int:
    """`num_workers`, but at most one per core of this process: more would only take turns."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(num_workers, cores or 1)


def by_workers(make: Callable[[Item], Made], items: Sequence[Item], num_workers: int) -> Iterator[Made]:
    """`make(item)` for every item, in order, computed by loader processes; by this process if `num_workers` is 0.

    Raises:
        LoaderError: a loader process died.
        GlintError: raised by `make`, in whichever process.
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
    """For loader workers: Ctrl-C reaches the whole process group, and the trainer still needs their batches."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _exits_of(made: Any) -> str:
    """How the loader processes that have ended did so: the signal's name, or the exit status."""
    exits = []
    for process in getattr(made, "_workers", []):
        process.join(timeout=1.0)
        if process.exitcode:
            exits.append(signal.Signals(-process.exitcode).name if process.exitcode < 0 else f"exit {process.exitcode}")
    return ", ".join(exits) or "?"


class _EachItem(Dataset[Any]):
    """What a loader process runs: item k's result, or the user's mistake that prevented it."""

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
