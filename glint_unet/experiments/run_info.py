"""What a run directory says about its run; every file may be missing, damaged or made by another version."""

import contextlib
import socket
import time
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from glint_unet.config import TrainConfig
from glint_unet.runs.json_file import as_count, as_dict, as_dicts, as_number, as_text, read_json
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import FINISHED, INTERRUPTED, RUNNING, RunStatus

CRASHED, DAMAGED = "crashed", "damaged"
STATES = (RUNNING, FINISHED, INTERRUPTED, "failed", CRASHED, DAMAGED)

_SILENT_S = 600.0  # a run of another machine is believed to be alive for so long after its last sign
_BEST_METRICS = ("total", "f1", "px_median")


@dataclass(frozen=True)
class RunInfo:
    """A run, as `read_run` found it.

    Attributes:
        path: the run directory.
        state: running, finished, interrupted by a signal, failed with an error, crashed (its process has gone without
            a word), or damaged (neither settings nor status can be read).
        reason: the error of a failed run, the signal of an interrupted one.
        epoch, epochs: completed epochs, and how many there will be; 0 if unknown.
        best: `epoch`, `total`, `f1` and `px_median` of the best epoch; missing where unknown.
        settings: training_args.json.
        starts: provenance.json, one entry per start; empty for runs of earlier versions.
        started: when it was first started, in seconds since 1970; None if unknown.
        updated: its last sign, in seconds since 1970; None if unknown.
        remaining_s: estimated time to its end in seconds, while it runs.
        host: the machine it ran on last.
    """

    path: Path
    state: str
    reason: str
    epoch: int
    epochs: int
    best: dict[str, float | None]
    settings: dict[str, Any]
    starts: list[dict[str, Any]]
    started: float | None
    updated: float | None
    remaining_s: float | None
    host: str

    @property
    def dataset(self) -> str:
        """The data set as given by --h5."""
        return as_text(self.settings.get("h5"))

    @property
    def device(self) -> str:
        """The compute device of the last start, e.g. cuda:0 (NVIDIA A100)."""
        return as_text(self.starts[-1].get("device")) if self.starts else ""

    @property
    def is_resumable(self) -> bool:
        """Whether it has ended before its last epoch."""
        return self.state in (INTERRUPTED, "failed", CRASHED) and RunDirectory(self.path).holds_a_run()

    @cached_property
    def dataset_record(self) -> dict[str, Any]:
        """dataset.json: MD5 and sizes of the data set."""
        return as_dict(read_json(RunDirectory(self.path).dataset))

    @cached_property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of metrics.json, one per epoch."""
        return _rows(RunDirectory(self.path))

    @cached_property
    def split(self) -> Any:
        """split.json: training and validation rows; None if it cannot be read."""
        return read_json(RunDirectory(self.path).split)

    @property
    def best_row(self) -> dict[str, Any]:
        """The row of metrics.json of the best epoch; empty if it is missing."""
        return next((row for row in self.rows if row.get("epoch") == self.best.get("epoch")), {})


def read_run(path: Path) -> RunInfo:
    """Reads a run directory; never raises, whatever is in it."""
    run = RunDirectory(path)
    settings = as_dict(read_json(run.training_args))
    status = RunStatus.read(run)
    starts = as_dicts(read_json(run.provenance))
    rows = [] if status else _rows(run)
    epoch = status.epoch if status else max((as_count(row.get("epoch")) for row in rows), default=0)
    epochs = status.epochs if status else as_count(settings.get("epochs"))
    best = (status.best or {}) if status else _best_of(rows, as_text(settings.get("best_metric")))
    state = DAMAGED if not (settings or status or rows) else _state(run, status, is_complete=0 < epochs <= epoch)
    return RunInfo(
        path=path,
        state=state,
        reason=status.reason if status else "",
        epoch=epoch,
        epochs=epochs,
        best=best,
        settings=settings,
        starts=starts,
        started=_time_of(as_text(starts[0].get("time"))) if starts else _modified(run.training_args),
        updated=status.updated if status else _modified(run.log),
        remaining_s=status.remaining_s if status and state == RUNNING else None,
        host=status.host if status else "",
    )


def _state(run: RunDirectory, status: RunStatus | None, *, is_complete: bool) -> str:
    with contextlib.suppress(OSError):
        if run.is_locked():
            return RUNNING
    if status is None:
        return FINISHED if is_complete else INTERRUPTED
    if status.state != RUNNING:
        return status.state
    is_elsewhere = status.host != socket.gethostname()
    return RUNNING if is_elsewhere and time.time() - status.updated < _SILENT_S else CRASHED


def _rows(run: RunDirectory) -> list[dict[str, Any]]:
    rows = as_dicts(read_json(run.metrics))
    parts = ("train", "val")
    return [row | {part: as_dict(row.get(part)) for part in parts} for row in rows if as_count(row.get("epoch"))]


def _best_of(rows: list[dict[str, Any]], best_metric: str) -> dict[str, float | None]:
    """The best epoch of a run whose status is unknown."""
    metric = best_metric if best_metric in ("f1", "px_error") else "total"
    sign = -1.0 if metric == "f1" else 1.0
    judged = [(sign * value, row) for row in rows if (value := as_number(row["val"].get(metric))) is not None]
    if not judged:
        return {}
    row = min(judged, key=lambda pair: pair[0])[1]
    return {"epoch": float(as_count(row["epoch"]))} | {name: as_number(row["val"].get(name)) for name in _BEST_METRICS}


def _time_of(local: str) -> float | None:
    try:
        return time.mktime(time.strptime(local, "%Y-%m-%d %H:%M:%S"))
    except (ValueError, OverflowError):
        return None


def _modified(path: Path) -> float | None:
    try:
        return path.stat().st_mtime
    except OSError:
        return None


def known_settings(settings: dict[str, Any]) -> TrainConfig | None:
    """The recorded settings as a `TrainConfig`; None if this version refuses them."""
    from glint_unet.errors import SettingError

    try:
        return TrainConfig.of_earlier_start(settings)
    except (SettingError, TypeError):
        return None
