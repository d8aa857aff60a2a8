"""A data set as it is browsed: which rows are shown, in which order, and what is suspicious about them so far.

Suspicions are found block by block in a thread of the page, which has the worker process read the images; what is
known can be used at any time. Legend: N images, C LEDs.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from glint_unet.errors import GlintError
from glint_unet.page.browse_model import read_contradictions
from glint_unet.page.browse_reading import Index, Picture, read_block, read_index, read_picture
from glint_unet.page.browse_suspicion import Suspicion, scores_of_images, suspicions_of_labels
from glint_unet.page.worker import Worker

_VALUES_AT_ONCE = 4 * 2**20  # of a block of images: some tenths of a second
_MOST_ROWS, _MOST_ROWS_OF_MODEL = 256, 16
_PAUSE_S = 0.005  # between two blocks, for whoever waits for the worker


@dataclass(frozen=True)
class Choice:
    """Which images are shown.

    Attributes:
        missing: LED number from 1 that must be absent; None: any.
        count: number of glints that must be present; None: any.
        stem: text that the image's name must contain, whatever its case.
        reason: suspicion that must be there; None: any.
        suspicious_first: in the order of suspicion, else in that of the file.
    """

    missing: int | None = None
    count: int | None = None
    stem: str = ""
    reason: Suspicion | None = None
    suspicious_first: bool = False


class BrowsedDataset:
    """One data set, opened for browsing.

    Attributes:
        index: what was read when it was opened.
        num_scanned: rows whose images have been compared with their labels.
        problem: why the comparison ended early; None if it did not.
    """

    def __init__(self, path: Path, worker: Worker) -> None:
        """Opens the file; raises GlintError if it cannot be used."""
        self.index: Index = worker.call(read_index, path)
        self.num_scanned = 0
        self.problem: GlintError | None = None
        self._worker = worker
        self._lower_stems = [stem.casefold() for stem in self.index.stems]
        shape = self.index.info.num_images, self.index.info.num_classes
        self._keypoints = np.full((*shape, 2), np.nan, np.float32)
        self._is_known = np.zeros(shape[0], np.bool_)
        self._marks = np.zeros(shape, np.uint8)
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        if self.index.keypoints is not None:
            self._keypoints, self._is_known = self.index.keypoints, np.ones(shape[0], np.bool_)

    def picture(self, row: int) -> Picture:
        """One image with its labels; raises GlintError if it cannot be read."""
        return self._worker.call(read_picture, self.index.info, row)

    def reasons(self, row: int) -> list[Suspicion]:
        """(C,) the suspicions of each label of an image."""
        return [Suspicion(int(mark)) for mark in self._marks[row]]

    def rows(self, choice: Choice) -> NDArray[np.int64]:
        """The row numbers of the chosen images, in the chosen order; of those whose labels are known."""
        is_present: NDArray[np.bool_] = np.asarray(np.isfinite(self._keypoints).all(axis=-1))
        chosen = np.ones(len(is_present), np.bool_)
        if choice.missing is not None:
            chosen &= self._is_known & ~is_present[:, choice.missing - 1]
        if choice.count is not None:
            chosen &= self._is_known & (is_present.sum(axis=1) == choice.count)
        if choice.stem:
            wanted = choice.stem.casefold()
            chosen &= np.fromiter((wanted in stem for stem in self._lower_stems), np.bool_, len(chosen))
        if choice.reason is not None:
            chosen &= ((self._marks & choice.reason) > 0).any(axis=1)
        rows = np.flatnonzero(chosen)
        if choice.suspicious_first:
            rows = rows[np.argsort(-scores_of_images(self._marks[rows]), kind="stable")]
        return rows

    def num_suspicious(self) -> dict[Suspicion, int]:
        """The number of images of each suspicion, as far as known."""
        return {reason: int(((self._marks & reason) > 0).any(axis=1).sum()) for reason in Suspicion}

    def num_present(self) -> NDArray[np.int64]:
        """(C,) the number of images in which each LED's glint is labelled, as far as known."""
        present: NDArray[np.int64] = np.isfinite(self._keypoints).all(axis=-1).sum(axis=0)
        return present

    def glints_per_image(self) -> NDArray[np.int64]:
        """(C + 1,) the number of images with 0, 1, .. C labelled glints, as far as known."""
        num = np.isfinite(self._keypoints[self._is_known]).all(axis=-1).sum(axis=1)
        return np.bincount(num, minlength=self.index.info.num_classes + 1)

    def start_scan(self, run: str | None = None, rig: str | None = None) -> None:
        """Starts to compare labels with brightness and, if `run` names a model, with what it finds."""
        self.stop_scan()
        self._stop, self.problem, self.num_scanned = threading.Event(), None, 0
        self._marks &= np.uint8(0xFF ^ Suspicion.MODEL)
        self._thread = threading.Thread(target=self._scan, args=(self._stop, run, rig), daemon=True)
        self._thread.start()

    def stop_scan(self) -> None:
        """Ends the comparison after the current block."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    @property
    def is_scanning(self) -> bool:
        """Whether the comparison is going on."""
        return self._thread is not None and self._thread.is_alive()

    def _scan(self, stop: threading.Event, run: str | None, rig: str | None) -> None:
        try:
            if self.index.keypoints is not None:
                self._marks |= suspicions_of_labels(self._keypoints, self.index.info.image_size)
            self._each_block(stop, _MOST_ROWS, self._add_block)
            if self.index.keypoints is None and not stop.is_set():
                self._marks |= suspicions_of_labels(self._keypoints, self.index.info.image_size)
            if run is not None:
                self.num_scanned = 0
                self._each_block(stop, _MOST_ROWS_OF_MODEL, lambda a, b: self._add_model(a, b, run, rig))
        except GlintError as error:
            self.problem = error

    def _each_block(self, stop: threading.Event, most: int, work: Callable[[int, int], None]) -> None:
        N, (H, W) = self.index.info.num_images, self.index.info.image_size
        step = int(np.clip(_VALUES_AT_ONCE // (H * W), 1, most))
        for start in range(0, N, step):
            if stop.is_set():
                return
            end = min(start + step, N)
            work(start, end)
            self.num_scanned = end
            time.sleep(_PAUSE_S)

    def _add_block(self, start: int, end: int) -> None:
        block = self._worker.call(read_block, self.index.info, start, end)
        self._keypoints[start:end] = block.keypoints
        self._is_known[start:end] = True
        self._mark(Suspicion.AWAY, start, end, block.away)

    def _add_model(self, start: int, end: int, run: str, rig: str | None) -> None:
        found = self._worker.call(read_contradictions, self.index.info, start, end, run, rig)
        self._mark(Suspicion.MODEL, start, end, found)

    def _mark(self, reason: Suspicion, start: int, end: int, found: NDArray[np.bool_]) -> None:
        rest = self._marks[start:end] & np.uint8(0xFF ^ reason)
        self._marks[start:end] = rest | np.where(found, np.uint8(reason), np.uint8(0))
