"""The number of CPU threads: as many as other programs leave room for.

The threads of a training step wait for each other hundreds of times. Where another program runs on one of their CPUs,
each wait lasts until the scheduler's next turn, and two threads are many times slower than one (docs/experiments.md).
"""

import hashlib
import math
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import torch

from glint_unet.messages import text

MEASURED_S = 0.3
"""Duration of the measurement in `choose_threads`."""

WATCHED_S = 10.0
"""Time over which `CpuWatch` averages."""

_TORCH_THREADS = torch.get_num_threads()  # before any call of set_num_threads: what PyTorch takes by itself
_BLOCK = bytes(2**23)
_LOST_CPUS, _WAITING_THREADS = 0.25, 0.4  # work of the system that costs less than a thread does
_LOST_PER_THREAD = 0.01


@dataclass(frozen=True)
class Threads:
    """The number of threads of this process, and why.

    Attributes:
        num: the number.
        source: 'given' (by a setting), 'environment' (OMP_NUM_THREADS), or 'measured'.
        cpus: the CPUs that PyTorch would use by itself.
        available: how many of them this process obtained in the measurement; equals `cpus` without one.
    """

    num: int
    source: str
    cpus: int
    available: float

    @property
    def is_measured(self) -> bool:
        """Whether the number follows from the load of the machine, so that it may follow a change of it."""
        return self.source == "measured"

    def use(self) -> None:
        """Computes with this number of threads from now on."""
        torch.set_num_threads(self.num)

    def describe(self) -> str:
        """The number and the reason, in one line."""
        if self.is_measured:
            return text("threads_measured", num=self.num, available=self.available, cpus=self.cpus)
        if self.source == "environment":
            return text("threads_of_environment", num=self.num)
        return text("threads_given", num=self.num)


def choose_threads(wanted: int = 0, num_processes: int = 1) -> Threads:
    """The number of threads of this process: as wanted, as OMP_NUM_THREADS says, or as other programs leave room for.

    For the last, every CPU that PyTorch would use is claimed for 0.3 s. What is obtained reflects the other programs,
    CPU affinity and the quota of a container, and of several programs that measure at once each obtains its share.

    Args:
        wanted: the number; 0: to be chosen.
        num_processes: size of the process group; the CPUs are divided among its processes.
    """
    if wanted:
        return Threads(wanted, "given", _TORCH_THREADS, _TORCH_THREADS)
    if environment := _threads_of_environment():
        return Threads(environment, "environment", _TORCH_THREADS, _TORCH_THREADS)
    num, available = _fitting(_TORCH_THREADS)
    if 1 < num < _TORCH_THREADS:  # fewer threads leave more CPU time to the other programs, which may then need it
        num, available = _fitting(num)
    return Threads(max(1, num // num_processes), "measured", _TORCH_THREADS, available)


def _threads_of_environment() -> int | None:
    """OMP_NUM_THREADS; None if it is not set. In a list, the first number is that of the outermost level."""
    number = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return max(1, int(number)) if number.isascii() and number.isdecimal() else None


def _fitting(num: int) -> tuple[int, float]:
    """How many of `num` threads the CPUs have room for, and the CPUs that they obtained."""
    if num == 1:
        return 1, 1.0
    obtained = _cpus_obtained(num)
    return max(1, min(num, int(obtained + max(_LOST_CPUS, _LOST_PER_THREAD * num)))), obtained


def _cpus_obtained(num: int) -> float:
    """The mean number of CPUs that `num` busy threads get."""

    def share(_: int) -> float:
        began, used_before = time.monotonic(), time.thread_time()
        while (passed := time.monotonic() - began) < MEASURED_S:
            hashlib.sha256(_BLOCK)  # other Python threads run meanwhile
        return (time.thread_time() - used_before) / passed

    with ThreadPoolExecutor(num) as pool:
        return sum(pool.map(share, range(num)))


class CpuWatch:
    """Watches whether the threads of this process wait for CPUs that other programs use; on Linux alone.

    Args:
        num: the number of threads of a parallel computation.
    """

    def __init__(self, num: int) -> None:
        self.num = num
        self._began, self._waited = time.monotonic(), _seconds_waited()

    def fitting(self) -> int:
        """The number of threads, at most `num`, that the CPUs had room for in the past `WATCHED_S` seconds.

        It is `num` until that time has passed, and then again for the next such time.
        """
        passed = time.monotonic() - self._began
        if passed < WATCHED_S:
            return self.num
        before, self._waited, self._began = self._waited, _seconds_waited(), time.monotonic()
        waited = sum(seconds - before.get(thread, 0.0) for thread, seconds in self._waited.items())
        tolerated = max(_WAITING_THREADS, _LOST_PER_THREAD * self.num)
        return max(1, self.num - max(0, math.ceil(waited / passed - tolerated)))


def _seconds_waited() -> dict[str, float]:
    """For each thread of this process, the seconds for which it was ready to run but had no CPU; empty if unknown."""
    waited = {}
    for path in Path("/proc/self/task").glob("*/schedstat"):
        try:
            waited[path.parent.name] = int(path.read_text().split()[1]) / 1e9
        except (OSError, IndexError, ValueError):  # a thread that has just ended; a kernel without the statistics
            continue
    return waited
