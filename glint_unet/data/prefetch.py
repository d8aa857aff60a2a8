"""Prefetches batches in a background thread while the device computes."""

import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

import torch

from glint_unet.data.batch import Batch

_AHEAD = 3

_Item = TypeVar("_Item")


def ready_for(device: torch.device, batches: Iterator[Batch]) -> Iterator[Batch]:
    """Yields the batches in order; for CUDA, prefetched into pinned memory so that transfers are asynchronous.

    On the CPU, `batches` is returned unchanged: gathering a batch takes less than a hundredth of a step, and a
    background thread would compete for cores with the computation.
    """
    if device.type != "cuda":
        return batches
    return ahead(_pinned(batches))


def ahead(batches: Iterator[_Item], depth: int = _AHEAD) -> Generator[_Item]:
    """Yields the batches in order, with up to `depth` prepared in advance; an error is raised at its position."""
    made: queue.Queue[_Item | BaseException | None] = queue.Queue(depth)
    is_over = threading.Event()

    def put(item: _Item | BaseException | None) -> bool:
        while not is_over.is_set():
            try:
                made.put(item, timeout=0.1)
            except queue.Full:
                continue
            return True
        return False

    def make() -> None:
        try:
            for batch in batches:
                if not put(batch):
                    return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=make, name="prefetch", daemon=True)
    thread.start()
    try:
        while (item := made.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        is_over.set()
        thread.join()


def _pinned(batches: Iterator[Batch]) -> Iterator[Batch]:
    for batch in batches:
        yield batch if batch.images.is_cuda else batch.each(lambda part: part.pin_memory())
