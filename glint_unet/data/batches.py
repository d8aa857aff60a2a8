"""Rows of a data set as whole batches: from memory, from the machine's shared copy, or from the file.

A batch is gathered in one piece (one `take` per array), never image by image; it stays uint8 / float16 until it is on
the device.
"""

import signal
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import h5py
import numpy as np
import psutil
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from glint_unet.data import dataset_file
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.heatmaps import keypoints_of_heatmaps
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.errors import GlintError, SpaceError

Rows = NDArray[np.int64]


class Batch(NamedTuple):
    """Some rows of a data set, as stored.

    Attributes:
        images: (B, H, W) uint8.
        heatmaps: (B, C, h, w) uint8 (0..255) or float16 (0..1); None where they are to be rendered.
        keypoints: (B, C, 2) float32, (x, y) in image pixels, NaN where absent; None where only heatmaps are known.
    """

    images: Tensor
    heatmaps: Tensor | None
    keypoints: Tensor | None

    @classmethod
    def of(cls, arrays: dict[str, NDArray[Any]]) -> "Batch":
        """The batch of arrays by name; what is not among them is None."""
        tensors = {name: torch.from_numpy(array) for name, array in arrays.items()}
        return cls(tensors["images"], tensors.get("heatmaps"), tensors.get("keypoints"))

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        images, heatmaps, keypoints = (None if p is None else p.to(device, non_blocking=True) for p in self)
        assert images is not None
        return Batch(images, heatmaps, keypoints)

    def network_input(self) -> Tensor:
        """(B, 1, H, W) float32 in [0, 1]."""
        return self.images[:, None].float() / 255

    def stored_heatmaps(self) -> Tensor:
        """(B, C, h, w) float32 in [0, 1]: the file's heatmaps."""
        assert self.heatmaps is not None
        return self.heatmaps.float() / 255 if self.heatmaps.dtype == torch.uint8 else self.heatmaps.float()

    def true_keypoints(self, info: DatasetInfo) -> Tensor:
        """(B, C, 2) float32: the file's keypoints, or the peaks of its heatmaps."""
        if self.keypoints is not None:
            return self.keypoints
        return keypoints_of_heatmaps(self.stored_heatmaps(), info.stride)


class Source(Protocol):
    """Where batches come from."""

    info: DatasetInfo

    def gather(self, rows: Rows) -> Batch:
        """The batch of the given rows, in their order."""

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """The batches in order."""

    def close(self) -> None:
        """Gives back what the source holds; a second call does nothing."""


class MemorySource:
    """A data set held in memory: private, or one shared read-only copy for all runs on the machine.

    Args:
        info: what the file declares.
        shared: attach to, or create, the machine's shared copy.

    Raises:
        SpaceError: the data set is larger than the free memory (private copy).
        DatasetError: NaN or values out of range in the file.
    """

    def __init__(self, info: DatasetInfo, *, shared: bool = False) -> None:
        self.info = info
        self.is_shared = shared
        self.created_shared_copy = False
        self._handles: list[Any] = []
        self._arrays = self._attach() if shared else self._load()

    def _load(self) -> dict[str, NDArray[Any]]:
        with dataset_file.open_dataset(self.info.path) as (file, info):
            need, free = dataset_file.memory_bytes(file), psutil.virtual_memory().available
            if need > free:
                raise SpaceError("memory_too_small", path=info.path, need_mb=need // 2**20, free_mb=free // 2**20)
            return {name: dataset_file.load_array(file, name) for name in info.array_names}

    def _attach(self) -> dict[str, NDArray[Any]]:
        arrays = {}
        for name in self.info.array_names:
            handle, arrays[name], is_new = SharedMemoryDatasetCache.try_attach_or_create(self.info.path, name)
            self._handles.append(handle)
            self.created_shared_copy |= is_new
        return arrays

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in self._arrays.values())

    def gather(self, rows: Rows) -> Batch:
        """See `Source`."""
        return Batch.of({name: array.take(rows, axis=0) for name, array in self._arrays.items()})

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """See `Source`."""
        return map(self.gather, batches_of_rows)

    def close(self) -> None:
        """See `Source`."""
        while self._handles:
            self._handles.pop().close()


class FileSource:
    """A data set read batch by batch from its file, in this process or in loader processes.

    Args:
        info: what the file declares.
        num_workers: loader processes; 0 reads in this process.
    """

    def __init__(self, info: DatasetInfo, *, num_workers: int) -> None:
        self.info = info
        self.num_workers = num_workers
        self._file: h5py.File | None = None

    def gather(self, rows: Rows) -> Batch:
        """See `Source`. HDF5 wants row numbers that increase, so they are read sorted and put in order after."""
        if self._file is None:
            self._file = h5py.File(self.info.path, "r")
        increasing, back = np.unique(rows, return_inverse=True)
        readers = {name: dataset_file.READERS[name] for name in self.info.array_names}
        return Batch.of({name: read(self._file, increasing)[back] for name, read in readers.items()})

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """See `Source`."""
        self.close()  # a worker must open the file itself: HDF5 handles do not survive a fork
        return batches_by_workers(self, batches_of_rows, self.num_workers)

    def close(self) -> None:
        """See `Source`."""
        if self._file is not None:
            self._file.close()
            self._file = None


def leave_signals_to_the_parent(worker_number: int) -> None:
    """For loader workers: Ctrl-C reaches the whole process group, and the trainer still needs their batches."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def batches_by_workers(source: "Source", batches_of_rows: Sequence[Rows], num_workers: int) -> Iterator[Batch]:
    """The batches in order, each gathered whole by a loader process; by this one where `num_workers` is 0."""
    loader = DataLoader(
        _WholeBatches(source, batches_of_rows),
        batch_size=None,
        num_workers=num_workers,
        worker_init_fn=leave_signals_to_the_parent,
    )
    for batch in loader:
        if isinstance(batch, GlintError):
            raise batch
        yield batch


class _WholeBatches(Dataset["Batch | GlintError"]):
    """What a loader process runs: item k is the whole batch k, or the user's mistake that kept it from being read."""

    def __init__(self, source: "Source", batches_of_rows: Sequence[Rows]) -> None:
        self._source = source
        self._batches_of_rows = batches_of_rows

    def __len__(self) -> int:
        return len(self._batches_of_rows)

    def __getitem__(self, k: int) -> Batch | GlintError:
        try:
            return self._source.gather(self._batches_of_rows[k])
        except GlintError as error:
            return error


def open_source(
    info: DatasetInfo, *, preload: bool, shared_memory: bool, num_workers: int
) -> MemorySource | FileSource:
    """The source that the settings ask for; `shared_memory` implies a set held in memory."""
    if preload or shared_memory:
        return MemorySource(info, shared=shared_memory)
    return FileSource(info, num_workers=num_workers)
