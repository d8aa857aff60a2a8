"""Where an epoch's seconds go: into steps, or into waiting for data between them."""

import contextlib
import time
from collections.abc import Iterator

import torch

from glint_unet.runs.progress import EpochProgress


class StepClock:
    """Adds training time to an epoch's progress, and how much of it steps were computed in.

    On CUDA, steps are timed by events on the device and nothing waits for it until `pause`: time in which the host is
    late but the device is still busy counts as computing.

    Args:
        device: where steps are computed.
        progress: of the epoch under way; `seconds` and `compute_seconds` are kept here.
    """

    def __init__(self, device: torch.device, progress: EpochProgress) -> None:
        self._progress = progress
        self._on_cuda = device.type == "cuda"
        self.restart()

    def restart(self) -> None:
        """Begins to count."""
        self._since = time.perf_counter()
        self._computed = 0.0
        self._events: list[tuple[torch.cuda.Event, torch.cuda.Event]] = []

    @contextlib.contextmanager
    def step(self) -> Iterator[None]:
        """Around one step, from the batch's copy to the device on."""
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
        """Hands over what was counted; waits for the device. What follows does not count until `restart`."""
        if self._events:
            self._events[-1][1].synchronize()
            self._computed = sum(begin.elapsed_time(end) for begin, end in self._events) / 1e3
        self._progress.seconds += time.perf_counter() - self._since
        self._progress.compute_seconds += self._computed
        self.restart()
