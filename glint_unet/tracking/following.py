"""Sends what a run writes to its trackers: from its files, so that the training knows nothing of them."""

import contextlib
import copy
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from glint_unet.errors import GlintError, one_line
from glint_unet.files import write_json
from glint_unet.runs.json_file import as_count, as_dict, as_dicts, as_number, read_json
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import RUNNING, RunStatus
from glint_unet.tracking.sinks import SINKS, Sink

_POLL_S = 0.5
_LONGEST_PAUSE_S = 60.0


class Tracker:
    """One tracker of a run: opened, fed and closed, and tried again later whenever it fails.

    What was sent, and the last error, are kept in tracking.json of the run directory.

    Args:
        name: name of the sink.
        run: the run directory.
    """

    def __init__(self, name: str, run: RunDirectory) -> None:
        self.name = name
        self.error = ""
        self._run = run
        self._sink: Sink | None = None
        self._memory: dict[str, Any] = as_dict(as_dict(read_json(run.tracking)).get(name))
        self._num_failures = 0
        self._next_try = 0.0

    def send(self, *, is_over: bool) -> None:
        """Sends new epochs, and at the end of the run the pictures, unless it failed a moment ago.

        Args:
            is_over: whether the run has ended; then it is tried in any case, and closed.
        """
        if time.monotonic() < self._next_try and not is_over:
            return
        try:
            self._send_epochs()
            if is_over:
                self._send_pictures()
                self._end()
            self.error, self._num_failures = "", 0
        except Exception as error:  # whatever a server or its client library does
            self.error = str(error) if isinstance(error, GlintError) else f"{type(error).__name__}: {one_line(error)}"
            self._num_failures += 1
            self._next_try = time.monotonic() + min(2.0**self._num_failures, _LONGEST_PAUSE_S)

    def to_dict(self) -> dict[str, Any]:
        """Its part of tracking.json."""
        return {**self._memory, "error": self.error}

    def _opened(self) -> Sink:
        if self._sink is None:
            self._sink = SINKS[self.name](self._run.path, as_dict(read_json(self._run.training_args)), self._memory)
        return self._sink

    def _send_epochs(self) -> None:
        rows = {as_count(row.get("epoch")): row for row in as_dicts(read_json(self._run.metrics))}
        sent = min(as_count(self._memory.get("epoch")), max(rows, default=0))  # a resume may have gone back
        self._memory["epoch"] = sent
        for epoch in sorted(number for number in rows if number > sent):
            self._opened().send_epoch(epoch, scalars_of(rows[epoch]))
            self._memory["epoch"] = epoch

    def _send_pictures(self) -> None:
        sent = as_dict(self._memory.setdefault("pictures", {}))
        for path in (self._run.curves, self._run.predictions, self._run.worst):
            if path.is_file() and sent.get(path.name) != (changed := path.stat().st_mtime):
                self._opened().send_picture(path, as_count(self._memory.get("epoch")))
                sent[path.name] = changed

    def _end(self) -> None:
        status = RunStatus.read(self._run)
        if self._sink is not None:
            self._sink.end(status.state if status else RUNNING)
            self._sink = None


def scalars_of(row: dict[str, Any]) -> dict[str, float]:
    """The defined scalars of an epoch by name: train/total, ..., val/f1, ..., lr, epoch_s, images_per_s."""
    timing = as_dict(row.get("timing"))
    named = {
        **{f"{part}/{name}": value for part in ("train", "val") for name, value in as_dict(row.get(part)).items()},
        "lr": row.get("lr"),
        "epoch_s": row.get("epoch_time"),
        "images_per_s": timing.get("images_per_s"),
    }
    return {name: number for name, value in named.items() if (number := as_number(value)) is not None}


def track(run_path: Path, names: Sequence[str], is_over: Callable[[], bool]) -> dict[str, str]:
    """Sends a run to trackers until it has ended.

    Args:
        run_path: the run directory.
        names: names of `SINKS`.
        is_over: whether the run has ended and all its files are written.

    Returns:
        The error of each tracker that did not take everything.
    """
    run = RunDirectory(run_path)
    trackers = [Tracker(name, run) for name in names]
    writing = threading.Lock()

    def follow(tracker: Tracker) -> None:
        was_over, kept = False, None
        while not was_over:
            was_over = is_over()  # asked first, so that the last epoch is sent
            tracker.send(is_over=was_over)
            if kept != (now := tracker.to_dict()):
                with writing, contextlib.suppress(GlintError):
                    others = as_dict(read_json(run.tracking))
                    write_json(run.tracking, others | {tracker.name: now}, survive_power_cut=False)
                kept = copy.deepcopy(now)
            if not was_over:
                time.sleep(_POLL_S)

    threads = [threading.Thread(target=follow, args=(tracker,), daemon=True) for tracker in trackers]
    for thread in threads:  # one each, so that a server that does not answer does not delay the others
        thread.start()
    for thread in threads:
        thread.join()
    return {tracker.name: tracker.error for tracker in trackers if tracker.error}


def run_is_over(run_path: Path) -> bool:
    """Whether a run has ended: by its own word, or because its process is gone."""
    run = RunDirectory(run_path)
    status = RunStatus.read(run)
    return status is None or status.state != RUNNING or not run.is_locked()


def end_after(is_over: Callable[[], bool], seconds: float, end: Callable[[], None]) -> None:
    """Starts a thread that calls `end` if this process is still alive `seconds` after the run has ended."""

    def watch() -> None:
        while not is_over():
            time.sleep(_POLL_S)
        time.sleep(seconds)
        end()

    threading.Thread(target=watch, daemon=True).start()
