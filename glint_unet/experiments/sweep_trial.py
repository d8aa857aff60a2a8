"""A trial of a sweep while it is running: its runs, one for each seed, and how far they are."""

import signal
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from glint_unet.compute.stop_signals import STOP_SIGNALS
from glint_unet.experiments.sweep_engine import TrainingProcess
from glint_unet.experiments.sweep_plan import Slot
from glint_unet.experiments.sweep_study import TrialResult
from glint_unet.messages import text
from glint_unet.runs.json_file import as_count, as_dict, as_dicts, as_number, read_json
from glint_unet.runs.progress import Best
from glint_unet.runs.run_directory import RunDirectory

RunState = Literal["waiting", "elsewhere", "running", "done", "failed", "interrupted"]

_STOPPED = {-number for number in STOP_SIGNALS} | {128 + number for number in STOP_SIGNALS}
_LAST_LINES = 3
_RECENT_EPOCHS = 5


@dataclass
class TrialRun:
    """A run of a trial.

    Attributes:
        path: the run directory.
        seed: the random seed.
        state: waiting, elsewhere (another process writes to the directory), running, done, failed or interrupted.
        process: its process, while running.
        slot: where that process is running.
        rows: the rows of metrics.json.
    """

    path: Path
    seed: int
    state: RunState = "waiting"
    process: TrainingProcess | None = None
    slot: Slot | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    _read_at: int = 0
    _status: int = 0

    def is_used_elsewhere(self) -> bool:
        """Whether another process is writing to the directory, as a run of a killed sweep does until it has saved."""
        return RunDirectory(self.path).is_locked()

    def update(self) -> None:
        """Reads metrics.json again if it has changed."""
        path = RunDirectory(self.path).metrics
        try:
            changed_at = path.stat().st_mtime_ns
        except OSError:
            return  # none yet
        if changed_at != self._read_at:
            rows = as_dicts(read_json(path))
            self.rows = [row for row in rows if as_count(row.get("epoch")) and as_dict(row.get("val"))]
            self._read_at = changed_at

    def has_ended(self) -> bool:
        """Notes whether the process has ended, and how."""
        status = self.process.status() if self.process else None
        if status is None:
            return False
        self.state = "done" if status == 0 else "interrupted" if status in _STOPPED else "failed"
        self._status, self.process, self.slot = status, None, None
        self.update()
        return True

    def best(self, metric: str) -> tuple[int, float] | None:
        """The best epoch and its value of the metric; None if no epoch has one."""
        best = Best()
        for row in self.rows:
            if row["val"].get("total") is None or metric not in row["val"]:
                continue
            candidate = Best.of_epoch(row["epoch"], row["val"], metric)
            best = candidate if candidate.beats(best) else best
        value = next((row["val"][metric] for row in self.rows if row["epoch"] == best.epoch), None)
        return None if value is None else (best.epoch, value)

    @property
    def num_epochs(self) -> int:
        """Epochs done."""
        return int(self.rows[-1]["epoch"]) if self.rows else 0

    @property
    def epoch_s(self) -> float | None:
        """Seconds per epoch, recently; None before the first one."""
        recent = self.rows[-_RECENT_EPOCHS:]
        return self._seconds(recent) / len(recent) if recent else None

    @property
    def seconds(self) -> float:
        """Time of all epochs done."""
        return self._seconds(self.rows)

    @staticmethod
    def _seconds(rows: list[dict[str, Any]]) -> float:
        return sum(as_number(row.get("epoch_time")) or 0.0 for row in rows)

    def reason(self, console: Path) -> str:
        """Why it failed: the signal that killed it, and the last lines of its output."""
        last = ""
        if console.exists():
            lines = [line.strip() for line in console.read_text(encoding="utf-8", errors="replace").splitlines()]
            last = " | ".join([line for line in lines if line][-_LAST_LINES:])
        if self._status >= 0:
            return last or text("sweep_exit_status", status=self._status)
        killed = text("sweep_killed", signal=signal.Signals(-self._status).name)
        return f"{killed}: {last}" if last else killed


@dataclass
class Trial:
    """A trial that has begun and not ended.

    Attributes:
        number: its number in the study.
        params: the values of the settings that vary, as text.
        num_epochs: epochs of each of its runs.
        runs: its runs, in the order of the seeds.
        is_pruned: whether its runs have been stopped as hopeless.
        num_reported: epochs of the first run that have been considered for pruning.
    """

    number: int
    params: dict[str, str]
    num_epochs: int
    runs: list[TrialRun]
    is_pruned: bool = False
    num_reported: int = 0

    def is_given_up(self) -> bool:
        """Whether no further run of it is to be started."""
        return self.is_pruned or any(run.state in ("failed", "interrupted") for run in self.runs)

    def next_run(self) -> TrialRun | None:
        """The next run to start; None if there is none."""
        if self.is_given_up():
            return None
        for run in self.runs:
            if run.state in ("waiting", "elsewhere"):
                run.state = "elsewhere" if run.is_used_elsewhere() else "waiting"
                if run.state == "waiting":
                    return run
        return None

    def is_over(self) -> bool:
        """Whether no run is running, and none is to be started."""
        if any(run.state == "running" for run in self.runs):
            return False
        return self.is_given_up() or all(run.state == "done" for run in self.runs)

    def result(self, metric: str, consoles: dict[Path, Path]) -> TrialResult | None:
        """How it ended; None if it was interrupted, and is to be continued by the next call.

        Args:
            metric: the metric to optimise.
            consoles: run directory -> file with the output of the run.
        """
        done = [run for run in self.runs if run.state == "done"]
        found = [best for run in done if (best := run.best(metric))]
        reason = ""
        if failed := next((run for run in self.runs if run.state == "failed"), None):
            reason = failed.reason(consoles[failed.path])
        elif not self.is_pruned and any(run.state == "interrupted" for run in self.runs):
            return None
        elif len(found) < len(done):
            reason = text("sweep_no_value", metric=metric)
        is_pruned = self.is_pruned and len(done) < len(self.runs)
        return TrialResult(
            number=self.number,
            state="failed" if reason else "pruned" if is_pruned else "complete",
            params=self.params,
            values=tuple(value for _, value in found),
            best_epochs=tuple(epoch for epoch, _ in found),
            epochs=sum(run.num_epochs for run in self.runs),
            seconds=sum(run.seconds for run in self.runs),
            reason=reason,
        )
