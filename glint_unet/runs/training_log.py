"""The run's text log and its JSON metrics."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from glint_unet.console import say
from glint_unet.errors import RunDirectoryError
from glint_unet.files import append_text, write_json
from glint_unet.messages import text
from glint_unet.model.losses import TERMS
from glint_unet.model.metrics import ONLY_IN_JSON
from glint_unet.runs.plain_values import for_json
from glint_unet.runs.run_directory import RunDirectory

Metrics = Mapping[str, float | None]

_LATER_TERMS = TERMS[5:]  # the original log line ends with div; these appear only if not 0 (docs/adr/0009)


class TextLog:
    """Appends to training.log of a run directory.

    Args:
        log_dir: the run directory; created if missing.
    """

    def __init__(self, log_dir: str | Path) -> None:
        self._run = RunDirectory(Path(log_dir))
        self._run.path.mkdir(parents=True, exist_ok=True)

    def log(self, message: str, print_console: bool = True) -> None:
        """Writes a timestamped message (local time) to the log and to the console; console failures are ignored."""
        line = f"[{time.strftime('%Y-%m-%d %H:%M:%S')}] {message}"
        append_text(self._run.log, line + "\n")
        if print_console:
            say(line)


class TrainingLogger(TextLog):
    """Appends to training.log and metrics.json of a run directory.

    Args:
        log_dir: the run directory; created if missing.

    Attributes:
        history: the rows of metrics.json, oldest epoch first.

    Raises:
        RunDirectoryError: the existing metrics.json is not a list of epochs.
    """

    def __init__(self, log_dir: str | Path) -> None:
        super().__init__(log_dir)
        self.history: list[dict[str, Any]] = _read_history(self._run.metrics)

    def log_epoch(
        self,
        epoch: int,
        train_metrics: Metrics,
        val_metrics: Metrics,
        lr: float,
        epoch_time: float,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        """Writes one epoch to the log and to metrics.json; an existing row of that epoch is replaced.

        Args:
            epoch: epoch number, from 1.
            train_metrics, val_metrics: values by name; None becomes null in JSON and a dash in the log.
            lr: learning rate of the epoch.
            epoch_time: duration in seconds.
            more: additional keys of the row.

        Raises:
            TypeError: one of the values is not a number; nothing has been written.
        """
        for name, value in (("epoch", epoch), ("lr", lr), ("epoch_time", epoch_time)):
            _check_number(name, value)
        for name, metric in (*train_metrics.items(), *val_metrics.items()):
            if metric is not None:
                _check_number(name, metric)
        times = {"lr": lr, "epoch_time": round(epoch_time, 2)}
        values = {"epoch": epoch, "train": train_metrics, "val": val_metrics, **times, **(more or {})}
        row = for_json(values, not_finite=lambda _: None)
        self.restore([*(r for r in self.history if r["epoch"] != row["epoch"]), row])
        heading = text("epoch", epoch=epoch, seconds=epoch_time, lr=lr)
        self.log(f"\n{heading}\n  Train: {_one_line(train_metrics)}\n  Val:   {_one_line(val_metrics)}")

    def restore(self, history: list[dict[str, Any]]) -> None:
        """Replaces the content of metrics.json with these rows."""
        self.history = sorted(history, key=lambda row: int(row["epoch"]))
        write_json(self._run.metrics, self.history)


def set_aside_damaged_metrics(run: RunDirectory) -> Path | None:
    """Moves a metrics.json that is not a list of epochs aside; returns its new path, or None if there was none."""
    try:
        _read_history(run.metrics)
    except RunDirectoryError:
        return run.set_aside_metrics()
    return None


def _read_history(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return [row for row in rows if int(row["epoch"]) > 0]
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise RunDirectoryError("metrics_damaged", path=path, reason=error) from error


def _check_number(name: str, value: Any) -> None:
    if not isinstance(for_json(value, not_finite=lambda number: number), (int, float)):
        raise TypeError(f"{name}: {value!r} is not a number")


def _one_line(metrics: Metrics) -> str:
    hidden = {*ONLY_IN_JSON, "threshold_alone", *(name for name in _LATER_TERMS if metrics.get(name) == 0)}
    shown = {name: value for name, value in metrics.items() if name not in hidden}
    return " ".join(f"{name}={_shown(name, value)}" for name, value in shown.items())


def _shown(name: str, value: float | None) -> str:
    return "-" if value is None else format(value, ".2f" if name == "threshold" else ".4f")
