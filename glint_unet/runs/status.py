"""status.json: how far a run is, written while it trains and when it ends."""

import os
import socket
import time
from dataclasses import asdict, dataclass
from typing import Any

from glint_unet.files import write_json
from glint_unet.runs.json_file import as_count, as_dict, as_number, as_text, read_json
from glint_unet.runs.run_directory import RunDirectory

RUNNING, FINISHED, INTERRUPTED, FAILED = "running", "finished", "interrupted", "failed"


@dataclass(frozen=True)
class RunStatus:
    """The status of a run at one instant, as its own process sees it.

    A killed process leaves `running` behind: whether it still runs is known from the lock of the directory, or from
    the age of the status if it runs on another machine.

    Attributes:
        state: running, finished, interrupted by a signal, or failed with an error.
        epoch, epochs: completed epochs, and how many there will be.
        step, steps: completed steps of the current epoch, and how many it has.
        best: epoch and validation metrics (`total`, `f1`, `px_median`) of the best epoch; empty before the first.
        remaining_s: estimated time to the end of the run in seconds; None if unknown.
        reason: the error of a failed run, or why a run finished early.
        updated: when it was written, in seconds since 1970.
        pid, host: the process.
    """

    state: str
    epoch: int
    epochs: int
    step: int = 0
    steps: int = 0
    best: dict[str, float | None] | None = None
    remaining_s: float | None = None
    reason: str = ""
    updated: float = 0.0
    pid: int = 0
    host: str = ""

    def write(self, run: RunDirectory) -> None:
        """Writes it with the current time and this process; raises as `write_json` does."""
        here: dict[str, Any] = {"updated": round(time.time(), 3), "pid": os.getpid(), "host": socket.gethostname()}
        write_json(run.status, asdict(self) | here, survive_power_cut=False)

    @classmethod
    def read(cls, run: RunDirectory) -> "RunStatus | None":
        """The status on disk; None if it is missing or damaged, as in runs of earlier versions."""
        values = as_dict(read_json(run.status))
        if values.get("state") not in (RUNNING, FINISHED, INTERRUPTED, FAILED):
            return None
        counts = {name: as_count(values.get(name)) for name in ("epoch", "epochs", "step", "steps", "pid")}
        texts = {name: as_text(values.get(name)) for name in ("reason", "host")}
        best = {str(name): as_number(value) for name, value in as_dict(values.get("best")).items()}
        times = {
            "updated": as_number(values.get("updated")) or 0.0,
            "remaining_s": as_number(values.get("remaining_s")),
        }
        known: dict[str, Any] = {**counts, **texts, **times}
        return cls(state=values["state"], best=best, **known)
