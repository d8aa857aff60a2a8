"""The runs below a directory."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from glint_unet.errors import RunDirectoryError
from glint_unet.experiments.run_info import RunInfo, read_run
from glint_unet.own_command import resume_command

_MARKS = frozenset({"training_args.json", "latest_checkpoint.pth", "best_model.pth", "status.json"})
_MOST_LEVELS = 4


def list_runs(root: Path) -> list[RunInfo]:
    """The runs in a directory and up to four levels below it, newest first.

    Raises:
        RunDirectoryError: there is no such directory.
    """
    if not root.is_dir():
        raise RunDirectoryError("runs_no_directory", path=root)
    runs = [read_run(path) for path in sorted(run_directories(root))]
    return sorted(runs, key=lambda run: run.started or 0.0, reverse=True)


def run_directories(directory: Path, levels: int = _MOST_LEVELS) -> Iterator[Path]:
    """The run directories in a directory and some levels below it.

    Neither hidden directories and links nor the directories inside a run are entered.
    """
    try:
        with os.scandir(directory) as entries:
            found = list(entries)
    except OSError:
        return
    if _MARKS & {entry.name for entry in found}:
        yield directory
        return
    for entry in found:
        if levels and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
            yield from run_directories(directory / entry.name, levels - 1)


def as_record(run: RunInfo) -> dict[str, Any]:
    """A run as plain values by name, for JSON and CSV; None where unknown."""
    started = None if run.started is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(run.started))
    epoch = run.best.get("epoch")
    return {
        "path": str(run.path),
        "state": run.state,
        "reason": run.reason or None,
        "epoch": run.epoch,
        "epochs": run.epochs,
        "best_epoch": None if epoch is None else int(epoch),
        "best_loss": run.best.get("total"),
        "best_f1": run.best.get("f1"),
        "best_px_median": run.best.get("px_median"),
        "dataset": run.dataset or None,
        "device": run.device or None,
        "host": run.host or None,
        "started": started,
        "silent_s": None if run.updated is None else round(max(0.0, time.time() - run.updated), 1),
        "remaining_s": run.remaining_s,
        "resume": resume_command(run.path) if run.is_resumable else None,
    }
