"""Open data sets and worker processes, shared by all visitors of the page."""

import functools
import threading
from pathlib import Path

from glint_unet.data.file_identity import FileKey, key_of_file
from glint_unet.page.browse_index import BrowsedDataset
from glint_unet.page.worker import Worker

_MOST_OPEN = 4


class Library:
    """What all visitors share.

    Attributes:
        files: reads data sets.
        models: looks at frames with a model, and draws synthetic eyes.
    """

    def __init__(self) -> None:
        self.files, self.models = Worker(), Worker()
        self._open: dict[Path, tuple[FileKey, BrowsedDataset]] = {}
        self._lock = threading.Lock()

    def dataset(self, path: Path) -> BrowsedDataset:
        """An open data set, whose labels are being examined; opened again if the file has changed.

        Raises:
            GlintError: it cannot be used.
        """
        with self._lock:
            key = key_of_file(path)
            known = self._open.pop(path, None)
            if known is None or known[0] != key:
                if known is not None:
                    known[1].stop_scan()
                known = key, BrowsedDataset(path, self.files)
                known[1].start_scan()
            self._open[path] = known
            while len(self._open) > _MOST_OPEN:
                self._open.pop(next(iter(self._open)))[1].stop_scan()
            return known[1]

    def close(self) -> None:
        """Ends the processes."""
        for _, dataset in self._open.values():
            dataset.stop_scan()
        self._open.clear()
        self.files.close()
        self.models.close()


@functools.lru_cache(maxsize=1)
def library() -> Library:
    """The library of this process."""
    return Library()
