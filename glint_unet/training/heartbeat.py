"""The heartbeat of a run: status.json, rewritten while the run trains and when it ends."""

import contextlib
import time
from collections.abc import Callable
from typing import Any

from glint_unet.config import TrainConfig
from glint_unet.errors import GlintError
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import RUNNING, RunStatus
from glint_unet.training.outlook import Outlook
from glint_unet.training.schedule import steps_per_epoch
from glint_unet.training.state import TrainState

BEAT_S = 10.0
_BEST_METRICS = ("total", "f1", "px_median")


class Heartbeat:
    """Writes status.json at most every `BEAT_S` seconds, and whenever the state of the run changes.

    A status that cannot be written never stops the run: the next checkpoint reports a full disk.

    Args:
        run: the run directory, locked by this process.
        config: all settings.
        state: the state of the run.
        history: returns the rows of metrics.json.
    """

    def __init__(
        self, run: RunDirectory, config: TrainConfig, state: TrainState, history: Callable[[], list[dict[str, Any]]]
    ) -> None:
        self._run = run
        self._state = state
        self._history = history
        self._epochs = config.epochs
        self._steps = steps_per_epoch(config, len(state.split.train))
        self._written_at = 0.0
        self.outlook = Outlook(config.epochs, self._steps)

    def remaining_s(self) -> float | None:
        """Estimated time to the end of the run in seconds; None if unknown yet."""
        return self.outlook.remaining_s(self._state.epoch, self._state.progress.batches_done)

    def end_step(self) -> None:
        """Call after each step."""
        self.outlook.end_step()
        if time.monotonic() - self._written_at >= BEAT_S:
            self.write()

    def write(self, condition: str = RUNNING, reason: str = "") -> None:
        """Writes the status.

        Args:
            condition: running, finished, interrupted or failed.
            reason: of a failure or an early end.
        """
        state = self._state
        best = {"epoch": float(state.best.epoch), **self._best_metrics()} if state.best.epoch else {}
        remaining_s = self.remaining_s() if condition == RUNNING else None
        done = state.progress.batches_done
        status = RunStatus(condition, state.epoch, self._epochs, done, self._steps, best, remaining_s, reason)
        with contextlib.suppress(GlintError):
            status.write(self._run)
        self._written_at = time.monotonic()

    def _best_metrics(self) -> dict[str, float | None]:
        rows = [row for row in self._history() if row["epoch"] == self._state.best.epoch]
        val = rows[-1].get("val", {}) if rows else {}
        return {name: val.get(name) for name in _BEST_METRICS}
