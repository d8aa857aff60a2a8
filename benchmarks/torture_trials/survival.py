"""What a run directory must hold after a death, whatever the instant."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from torture_trials.bench import Tally

from glint_unet.errors import GlintError
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training import record


@contextlib.contextmanager
def acknowledgements() -> Iterator[tuple[int, Callable[[], None]]]:
    """A pipe on which a child says each epoch whose end has returned: (read end, the child's set-up)."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    finish = record.RunRecord.finish_epoch

    def set_up() -> None:
        def acknowledged(self: record.RunRecord, *arguments: Any) -> None:
            finish(self, *arguments)
            os.write(writer, f"{self._state.epoch}\n".encode())

        record.RunRecord.finish_epoch = acknowledged

    try:
        yield reader, set_up
    finally:
        os.close(reader)
        os.close(writer)


def last_acknowledged(reader: int, before: int) -> int:
    received = b""
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(reader, 65536):
            received += chunk
    lines = received.split()
    return int(lines[-1]) if lines else before


def check_run(tally: Tally, run: Path, acked: int, best_before: float, *, latest_is_newest: bool = True) -> float:
    """A run directory after a death: nothing torn, nothing acknowledged lost. Returns the best total."""
    directory = RunDirectory(run)
    try:
        latest = read_checkpoint(directory.latest)
        tally.expect(latest["epoch"] >= acked, f"epoch {acked} was acknowledged, latest has {latest['epoch']}")
        tally.expect(latest["epoch"] <= acked + 1 or not latest_is_newest, f"{latest['epoch']} after {acked}")
        rows = json.loads(directory.metrics.read_text()) if directory.metrics.exists() else []
        epochs = [row["epoch"] for row in rows]
        tally.expect(epochs == list(range(1, len(epochs) + 1)), f"metrics rows {epochs[-5:]}")
        tally.expect(len(epochs) >= acked, f"{len(epochs)} rows after epoch {acked} was acknowledged")
        if not directory.best.exists():
            tally.expect(best_before == float("inf") and latest["best"]["epoch"] == 0, "no best model")
            return best_before
        best: float = read_checkpoint(directory.best)["best"]["total"]
        tally.expect(best <= best_before, f"best {best_before} was replaced by {best}")
        return best
    except (GlintError, ValueError, KeyError) as error:
        tally.expect(False, f"torn: {error!r}")
        return best_before
