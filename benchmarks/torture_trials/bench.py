"""Where trials happen, and how a training in another process is begun, watched and ended."""

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from glint_unet.compute.stop_signals import Interrupted
from glint_unet.config import TrainConfig
from glint_unet.errors import GlintError
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.loop import train

SMALL: dict[str, Any] = {
    "base_channels": 2,
    "progress": False,
    "lang": "en",
    "device": "cpu",
    "save_freq": 1,
    "keep_last_n": 3,
}


@dataclass
class Tally:
    """One row of the table."""

    name: str
    allowed: str
    count: int = 0
    failures: list[str] = field(default_factory=list)
    remark: str = ""

    def expect(self, condition: bool, reason: str) -> None:
        if not condition:
            self.failures.append(f"trial {self.count}: {reason}")


@dataclass
class Bench:
    """Where trials happen: a directory, a small data set, and a source of chance."""

    root: Path
    rng: random.Random
    data: Path

    def count(self, full: int, scale: float) -> int:
        return max(2, round(full * scale))


def fork(work: Callable[[], object], console: Path) -> int:
    """Runs `work` in a child; its exit status is the command's: 0, 2 for a mistake, 128 + signal."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        descriptor = os.open(console, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        torch.set_num_threads(1)
        work()
        status = 0
    except Interrupted as interrupted:
        status = 128 + interrupted.signal_number
    except GlintError as error:
        print(error, flush=True)
        status = 2
    except BaseException as error:
        os.write(2, repr(error).encode())
    finally:
        os._exit(status)


def wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def running(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def wait_until(condition: Callable[[], bool], pid: int) -> None:
    """Returns once the condition holds, or the child has ended without it."""
    while not condition() and running(pid):
        time.sleep(0.002)


def stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def config(bench: Bench, run: Path, **changes: object) -> TrainConfig:
    return TrainConfig(**{"h5": str(bench.data), "output_dir": str(run), **SMALL, **changes})


def go_on(run: Path, fresh: TrainConfig) -> None:
    """Starts the run, or resumes it if there is anything to resume."""
    if RunDirectory(run).latest.exists():
        point = find_resume_point(str(run), None)
        fresh = TrainConfig(**{**point.config.to_dict(), "resume": str(run)})
    train(fresh)


def extend(run: Path, epochs: int) -> None:
    point = find_resume_point(str(run), None)
    train(TrainConfig(**{**point.config.to_dict(), "resume": str(run), "epochs": epochs}))


def one_line(console: Path) -> str:
    lines = [line for line in console.read_text(encoding="utf-8").splitlines() if line]
    return lines[-1] if lines else ""
