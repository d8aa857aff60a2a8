"""Verifies, on the user's data and machine, that an interrupted run ends exactly like an uninterrupted one."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glint_unet.errors import RunDirectoryError
from glint_unet.messages import text
from glint_unet.own_command import train_command
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.training_log import TrainingLogger

_TIMES = ("epoch_time", "timing", "compute_seconds", "timestamp", "seconds", "output_dir")
_OF_ONE_RUN = ("save_every_minutes", "resume", "epochs")


@dataclass(frozen=True)
class Verdict:
    """The result of `verify_resume`.

    Attributes:
        kills: number of SIGKILLs that hit a running training process.
        differences: names of values that differ; empty if both runs are identical.
    """

    kills: int
    differences: tuple[str, ...]


def verify_resume(flags: Sequence[str], work_dir: Path, kills: int, seed: int, say: Callable[[str], None]) -> Verdict:
    """Trains twice with the same flags: once undisturbed, once killed by SIGKILL at random instants and resumed.

    Args:
        flags: flags of `glint-unet train`, without --output_dir and --resume.
        work_dir: an empty directory for the two runs.
        kills: number of kills.
        seed: random seed of the instants.
        say: called with a line of text after each step.

    Returns:
        Whether weights, optimizer, metrics (except times), split and best model are identical, bit for bit.

    Raises:
        RunDirectoryError: a training process failed; the message names its log.
    """
    rng = random.Random(seed)
    undisturbed, disturbed = work_dir / "undisturbed", work_dir / "disturbed"
    started = time.monotonic()
    _finish(_train([*flags, "--output_dir", str(undisturbed)], work_dir), work_dir)
    say(text("verify_undisturbed", seconds=time.monotonic() - started))
    epochs_s = max(sum(row["epoch_time"] for row in TrainingLogger(undisturbed).history), 0.01)
    often = ["--save_every_minutes", str(epochs_s / 60 / 50)]
    process = _train([*flags, *often, "--output_dir", str(disturbed)], work_dir)
    num_killed, saved_at = 0, 0
    latest = RunDirectory(disturbed).latest
    while num_killed < kills:
        _wait_for_a_save(latest, saved_at, process)
        time.sleep(rng.uniform(0, epochs_s / (kills + 1)))
        process.kill()
        if process.wait() != -signal.SIGKILL:
            say(text("verify_ended", number=num_killed + 1, kills=kills))
            break
        num_killed += 1
        saved_at = latest.stat().st_mtime_ns
        epoch, step = Checkpoint.read(latest).position
        say(text("verify_killed", number=num_killed, kills=kills, epoch=epoch, step=step))
        process = _train(["--resume", str(disturbed)], work_dir)
    _finish(process, work_dir)
    return Verdict(num_killed, tuple(compare_runs(undisturbed, disturbed)))


def _train(flags: Sequence[str], work_dir: Path) -> "subprocess.Popen[bytes]":
    with (work_dir / "console.txt").open("ab") as console:
        return subprocess.Popen(train_command(["--no_progress", *flags]), stdout=console, stderr=console)


def _finish(process: "subprocess.Popen[bytes]", work_dir: Path) -> None:
    if process.wait() != 0:
        console = work_dir / "console.txt"
        last = console.read_text(errors="replace").strip().rpartition("\n")[2]
        raise RunDirectoryError("verify_training_failed", path=console, reason=last)


def _wait_for_a_save(path: Path, saved_at: int, process: "subprocess.Popen[bytes]") -> None:
    """Waits until the file is newer than `saved_at` (ns), so that a kill hits training and not the start-up."""
    while (not path.exists() or path.stat().st_mtime_ns == saved_at) and process.poll() is None:
        time.sleep(0.01)


def compare_runs(one: Path, other: Path) -> list[str]:
    """The names of all values that differ between two finished runs, except times; empty if they are identical."""
    differences = []
    for name in ("latest", "best"):
        first, second = (Checkpoint.read(getattr(RunDirectory(path), name)).to_dict() for path in (one, other))
        differences += [f"{name}: {place}" for place in _differing(first, second, "")]
    return differences


def _differing(first: Any, second: Any, place: str) -> list[str]:
    if isinstance(first, dict) and isinstance(second, dict):
        skipped = (*_TIMES, *_OF_ONE_RUN)
        names = [name for name in {**first, **second} if name not in skipped]
        return [d for name in names for d in _differing(first.get(name), second.get(name), f"{place}/{name}")]
    if isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)) and len(first) == len(second):
        return [d for k, pair in enumerate(zip(first, second, strict=True)) for d in _differing(*pair, f"{place}/{k}")]
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        return [] if torch.equal(first, second) else [place]
    return [] if first == second else [place]
