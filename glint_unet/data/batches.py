"""Rows of a data set as whole batches: from memory, the machine's shared copy, the GPU's memory, or the file.

A batch is gathered in one piece (one `take` per array), never image by image; it stays uint8 / float16 until it is on
the device.
"""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol, TypeVar

import h5py
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from glint_unet.data import dataset_file, dataset_reader
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.device_memory import check_room, free_device_bytes, send
from glint_unet.data.heatmaps import keypoints_of_heatmaps
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.errors import GlintError, LoaderError

Rows = NDArray[np.int64]
Item = TypeVar("Item")
Made = TypeVar("Made")

_SHARE_OF_GPU = 4


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

    def each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        """The batch with every array changed."""
        images, heatmaps, keypoints = (None if part is None else change(part) for part in self)
        assert images is not None
        return Batch(images, heatmaps, keypoints)

    def to(self, device: torch.device) -> "Batch":
        """The same batch on a device."""
        return self.each(lambda part: part.to(device, non_blocking=True))

    def part(self, rows: slice) -> "Batch":
        """Some of its images, not copied."""
        return self.each(lambda part: part[rows])

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
        temporary: a shared copy that is made goes with its last user.

    Raises:
        SpaceError: the data set is larger than the free memory (private copy).
        DatasetError: NaN or values out of range in the file.
    """

    def __init__(self, info: DatasetInfo, *, shared: bool = False, temporary: bool = False) -> None:
        self.info = info
        self.is_shared = shared
        self._is_temporary = temporary
        self.created_shared_copy = False
        self._handles: list[Any] = []
        self._arrays = self._attach() if shared else self._load()

    def _load(self) -> dict[str, NDArray[Any]]:
        info = self.info
        with dataset_file.open_dataset(info.path) as (file, _):
            check_room(info.path, dataset_reader.memory_bytes(file, info.array_names), torch.device("cpu"))
            return {name: dataset_reader.load_array(file, name) for name in info.array_names}

    def _attach(self) -> dict[str, NDArray[Any]]:
        arrays = {}
        for name in self.info.array_names:
            handle, arrays[name], is_new = SharedMemoryDatasetCache.try_attach_or_create(
                self.info.path, name, temporary=self._is_temporary
            )
            self._handles.append(handle)
            self.created_shared_copy |= is_new
        return arrays

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return sum(array.nbytes for array in self._arrays.values())

    def whole(self) -> Batch:
        """All rows, not copied."""
        return Batch.of(self._arrays)

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


class DeviceSource:
    """A data set held in the memory of the device that computes: a batch is gathered there, and nothing is copied.

    Args:
        info: what the file declares.
        device: where to hold it.

    Raises:
        SpaceError: the data set is larger than the free memory, the machine's or the device's.
        DatasetError: NaN or values out of range in the file.
    """

    def __init__(self, info: DatasetInfo, device: torch.device) -> None:
        self.info = info
        self.device = device
        held = MemorySource(info)
        check_room(info.path, held.num_bytes, device)
        self._batch = held.whole().to(device)

    @property
    def num_bytes(self) -> int:
        """Bytes held."""
        return sum(part.numel() * part.element_size() for part in self._batch if part is not None)

    def gather(self, rows: Rows) -> Batch:
        """See `Source`."""
        index = send(torch.from_numpy(rows), self.device)
        return self._batch.each(lambda part: part.index_select(0, index))

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """See `Source`."""
        return map(self.gather, batches_of_rows)

    def close(self) -> None:
        """See `Source`."""


class FileSource:
    """A data set read from its file, in this process or in loader processes, some batches at a time.

    Batches want rows in random order, but the file keeps them in compressed chunks. Batches that follow each other are
    therefore read together, and each chunk that they touch is unpacked once for all of them.

    Args:
        info: what the file declares.
        num_workers: loader processes, at most one per core; 0 reads in this process.
    """

    def __init__(self, info: DatasetInfo, *, num_workers: int) -> None:
        self.info = info
        self.num_workers = useful_workers(num_workers)
        self._file: h5py.File | None = None
        with dataset_file.open_dataset(info.path) as (file, _):
            self._rows_together = dataset_reader.rows_read_together(file, info.array_names)

    def gather(self, rows: Rows) -> Batch:
        """See `Source`. HDF5 wants row numbers that increase, so they are read sorted and put in order after."""
        if self._file is None:
            self._file = h5py.File(self.info.path, "r")
            if self.info.has_keypoints:  # a thousandth of the images' size: read once
                self._keypoints = dataset_reader.read_keypoints(self._file, slice(None))
        increasing, back = np.unique(rows, return_inverse=True)
        large = [name for name in self.info.array_names if name != "keypoints"]
        arrays = {name: dataset_reader.read_rows(self._file, name, increasing)[back] for name in large}
        if self.info.has_keypoints:
            arrays["keypoints"] = self._keypoints[rows]
        return Batch.of(arrays)

    def gather_together(self, window: Sequence[Rows]) -> list[Batch]:
        """Several batches in one reading."""
        whole = self.gather(np.concatenate(window))
        ends = np.cumsum([len(rows) for rows in window])
        parts = (whole.part(slice(end - len(rows), end)) for rows, end in zip(window, ends, strict=True))
        return [part.each(torch.clone) for part in parts]  # a worker would send the whole window with each

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """See `Source`."""
        if self.num_workers:
            self.close()  # a worker must open the file itself: HDF5 handles do not survive a fork
        size = max(1, self._rows_together // max((len(rows) for rows in batches_of_rows), default=1))
        windows = [batches_of_rows[k : k + size] for k in range(0, len(batches_of_rows), size)]
        for batches in by_workers(self.gather_together, windows, self.num_workers):
            yield from batches

    def close(self) -> None:
        """See `Source`."""
        if self._file is not None:
            self._file.close()
            self._file = None


def useful_workers(num_workers: int) -> int:
    """So many loader processes, but no more than this process has cores: others would only take turns with them."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(num_workers, cores or 1)


def leave_signals_to_the_parent(worker_number: int) -> None:
    """For loader workers: Ctrl-C reaches the whole process group, and the trainer still needs their batches."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)


def by_workers(make: Callable[[Item], Made], items: Sequence[Item], num_workers: int) -> Iterator[Made]:
    """`make` of every item in order, by loader processes; by this one where `num_workers` is 0.

    Raises:
        LoaderError: a loader process died.
        GlintError: as `make` raised it, from whatever process.
    """
    loader = DataLoader(
        _EachItem(make, items),
        batch_size=None,
        num_workers=min(num_workers, len(items)),
        worker_init_fn=leave_signals_to_the_parent,
    )
    made = iter(loader)
    while True:
        try:
            one = next(made, None)
        except RuntimeError as error:
            if "DataLoader worker" not in str(error):
                raise
            raise LoaderError("loader_died", reason=_ends_of(made), workers=num_workers) from error
        if one is None:
            return
        if isinstance(one, GlintError):
            raise one
        yield one


def _ends_of(made: Any) -> str:
    """How the loader processes that are no more ended: the signal's name, or the exit status."""
    ends = []
    for process in getattr(made, "_workers", []):
        process.join(timeout=1.0)
        if process.exitcode:
            ends.append(signal.Signals(-process.exitcode).name if process.exitcode < 0 else f"exit {process.exitcode}")
    return ", ".join(ends) or "?"


class _EachItem(Dataset[Any]):
    """What a loader process runs: item k made, or the user's mistake that kept it from being made."""

    def __init__(self, make: Callable[[Any], Any], items: Sequence[Any]) -> None:
        self._make = make
        self._items = items

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, k: int) -> Any:
        try:
            return self._make(self._items[k])
        except GlintError as error:
            return error


def choose_cache(cache: str, info: DatasetInfo, device: torch.device, num_processes: int = 1) -> str:
    """What `--cache auto` means: device, ram or group; any other `cache` is itself.

    The memory of the GPU that computes, where the data take at most a quarter of what is free there; else the
    machine's, once for all processes that train together, and no longer than they do (group).
    """
    if cache != "auto":
        return cache
    if device.type == "cuda" and bytes_held(info) * _SHARE_OF_GPU <= free_device_bytes(device):
        return "device"
    return "group" if num_processes > 1 else "ram"


def bytes_held(info: DatasetInfo) -> int:
    """Bytes that the data set takes in memory."""
    with dataset_file.open_dataset(info.path) as (file, _):
        return dataset_reader.memory_bytes(file, info.array_names)


def open_source(info: DatasetInfo, cache: str, *, num_workers: int, device: torch.device) -> Source:
    """The source that `choose_cache` names.

    Args:
        info: what the file declares.
        cache: ram, shared, group, device or none.
        num_workers: loader processes where nothing is held.
        device: that computes.
    """
    if cache == "device":
        return DeviceSource(info, device)
    if cache == "none":
        return FileSource(info, num_workers=num_workers)
    return MemorySource(info, shared=cache in ("shared", "group"), temporary=cache == "group")
