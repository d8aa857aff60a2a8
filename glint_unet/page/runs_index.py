"""The runs below a directory, read again only where something changed: quick with many runs."""

import threading
from pathlib import Path
from typing import Any, NamedTuple

from glint_unet.experiments.run_info import RunInfo, read_run
from glint_unet.experiments.run_list import as_record, run_directories
from glint_unet.page.context import links_lead_outside
from glint_unet.runs.json_file import as_dict, as_number
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import RUNNING

_Signature = tuple[tuple[int, int] | None, ...]


class Row(NamedTuple):
    """A run in the list.

    Attributes:
        name: its path relative to the directory of all runs; "." is that directory itself.
        info: the run.
        images_per_s: speed of its last epoch; None if unknown.
    """

    name: str
    info: RunInfo
    images_per_s: float | None

    def record(self) -> dict[str, Any]:
        """As plain values by name, for a table."""
        return {**as_record(self.info), "name": self.name, "images_per_s": self.images_per_s}


class RunsIndex:
    """The list of the runs below a directory; may be used by several threads.

    Args:
        root: the directory.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._known: dict[Path, tuple[_Signature, Row]] = {}
        self._lock = threading.Lock()

    def rows(self) -> list[Row]:
        """All runs, newest first, but those with links that lead elsewhere; none if the directory is missing."""
        with self._lock:
            found = run_directories(self._root)
            paths = [path for path in found if not links_lead_outside(path, self._root)]
            self._known = {path: self._entry(path) for path in paths}
            rows = [row for _, row in self._known.values()]
        return sorted(rows, key=lambda row: row.info.started or 0.0, reverse=True)

    def _entry(self, path: Path) -> tuple[_Signature, Row]:
        signature, known = _signature(path), self._known.get(path)
        # what still runs may crash without a file that changes
        if known and known[0] == signature and known[1].info.state != RUNNING:
            return known
        info = read_run(path)
        timing = as_dict(info.rows[-1].get("timing")) if info.rows else {}
        return signature, Row(str(path.relative_to(self._root)), info, as_number(timing.get("images_per_s")))


def _signature(path: Path) -> _Signature:
    run = RunDirectory(path)
    return tuple(_changed(file) for file in (run.status, run.metrics, run.training_args, run.latest, run.provenance))


def _changed(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size
