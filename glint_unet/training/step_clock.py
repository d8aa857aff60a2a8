"""Measures how much of an epoch is spent computing steps, and how much waiting for data."""

import contextlib
import time
from collections.abc import Iterator

import torch

from glint_unet.runs.progress import EpochProgress


class StepClock:
    """Adds training time and compute time to the progress of an epoch.

    On CUDA, steps are timed by device events, without synchronisation until `pause`: time in which the device is still
    busy counts as compute time, even if the host is waiting for data.

    Args:
        device: the compute device.
        progress: progress of the current epoch; its `seconds` and `compute_seconds` are updated.
    """

    def __init__(self, device: torch.device, progress: EpochProgress) -> None:
        self._progress = progress
        self._on_cuda = device.type == "cuda"
        self.restart()

    def restart(self) -> None:
        """Starts the clock."""
        self._since = time.perf_counter()
        self._computed = 0.0
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Times one step, from the transfer of the batch to the device onwards."""
        if self._on_cuda:
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
            begin.record()
            yield
            end.record()
            self._events.append((begin, end))
        else:
            began = time.perf_counter()
            yield
            self._computed += time.perf_counter() - began

    def pause(self) -> None:
        """Synchronises with the device and adds the measured times to the progress; call `restart` to continue."""
        if self._events:
            self._events[-1][1].synchronize()
            self._computed = sum(begin.elapsed_time(end) for begin, end in self._events) / 1e3
        self._progress.seconds += time.perf_counter() - self._since
        self._progress.compute_seconds += self._computed
        self.restart()
