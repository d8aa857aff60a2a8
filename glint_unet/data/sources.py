"""Sources of batches: memory, the shared copy, GPU memory, or the file itself.

A batch is gathered as a whole (one `take` per array), never image by image.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import h5py
import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data import dataset_file, dataset_reader
from glint_unet.data.batch import Batch, Rows
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.device_memory import check_room, free_device_bytes, send
from glint_unet.data.file_identity import ContentGuard
from glint_unet.data.loader import by_workers, useful_workers
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.data.source import Source
from glint_unet.errors import CacheError
from glint_unet.messages import text

_SHARE_OF_GPU = 4


class MemorySource(Source):
    """A data set held in memory: a private copy, or the read-only copy shared by all runs of the user.

    Args:
        info: what the file declares.
        shared: attach to the shared copy, creating it if there is none.
        temporary: a shared copy created here is removed with its last user.

    Attributes:
        is_shared: whether this is the shared copy.
        created_shared_copy: whether this source created the shared copy of the images.

    Raises:
        SpaceError: the data set is larger than the free memory (private copy).
        DatasetError: NaN or out-of-range values in the file, or the file has changed since it was inspected.
        CacheError: the shared copy cannot be used.
    """

    def __init__(self, info: DatasetInfo, *, shared: bool = False, temporary: bool = False) -> None:
        self.info = info
        self.is_shared = shared
        self._is_temporary = temporary
        self.created_shared_copy = False
        self._handles: list[Any] = []
        guard = _guard(info)
        try:
            self._arrays = self._attach() if shared else self._load()
            guard.check()
        except BaseException:
            self.close()
            guard.check()  # if the file has changed, that is the cause of the error
            raise

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
            _check_copy(self.info, name, arrays[name])
            if name == "images":  # of several runs started together, exactly one creates this array
                self.created_shared_copy = is_new
        return arrays

    @property
    def num_bytes(self) -> int:
        """Size of the arrays in bytes."""
        return sum(array.nbytes for array in self._arrays.values())

    def whole(self) -> Batch:
        """All rows, as views."""
        return Batch.of(self._arrays)

    def gather(self, rows: Rows) -> Batch:
        """See `Source`."""
        return Batch.of({name: array.take(rows, axis=0) for name, array in self._arrays.items()})

    def describe(self) -> str:
        """See `Source`."""
        megabytes = self.num_bytes / 2**20
        if not self.is_shared:
            return text("data_in_memory", mb=megabytes)
        return text("data_shared_new" if self.created_shared_copy else "data_shared_attached", mb=megabytes)

    def close(self) -> None:
        """See `Source`."""
        while self._handles:
            self._handles.pop().close()


class DeviceSource(Source):
    """A data set held in the memory of the compute device, where batches are gathered without a transfer.

    Args:
        info: what the file declares.
        device: the compute device.

    Raises:
        SpaceError: the data set is larger than the free memory of the machine or the device.
        DatasetError: NaN or out-of-range values in the file, or the file has changed since it was inspected.
    """

    def __init__(self, info: DatasetInfo, device: torch.device) -> None:
        self.info = info
        self.device = device
        held = MemorySource(info)
        check_room(info.path, held.num_bytes, device)
        self._batch = held.whole().to(device)

    @property
    def num_bytes(self) -> int:
        """Size of the tensors in bytes."""
        return sum(part.numel() * part.element_size() for part in self._batch if part is not None)

    def gather(self, rows: Rows) -> Batch:
        """See `Source`."""
        index = send(torch.from_numpy(rows), self.device)
        return self._batch.each(lambda part: part.index_select(0, index))

    def describe(self) -> str:
        """See `Source`."""
        return text("data_on_device", mb=self.num_bytes / 2**20, device=self.device)


class FileSource(Source):
    """A data set read from its file, in this process or in loader processes.

    Batches need rows in random order, but the file may store several rows per compressed chunk. Consecutive batches are
    therefore read together, so that each chunk is decompressed once for all of them.

    Args:
        info: what the file declares.
        num_workers: loader processes, at most one per core; 0 reads in this process.

    Raises:
        DatasetError: here or in any method that reads: the file has changed since it was inspected, or is damaged.
    """

    def __init__(self, info: DatasetInfo, *, num_workers: int) -> None:
        self.info = info
        self.num_workers = useful_workers(num_workers)
        self._file: h5py.File | None = None
        self._guard = _guard(info)
        with dataset_file.open_dataset(info.path) as (file, _):
            self._rows_together = dataset_reader.rows_read_together(file, info.array_names)

    def gather(self, rows: Rows) -> Batch:
        """See `Source`."""
        self._guard.check()
        try:
            return self._read(rows)
        finally:
            self._guard.check()  # data read while the file changed is not used

    def _read(self, rows: Rows) -> Batch:
        """Reads a batch; HDF5 requires increasing row numbers, so rows are read sorted and reordered afterwards."""
        if self._file is None:
            self._file = dataset_file.open_file(self.info.path)
            if self.info.has_keypoints:  # a thousandth of the size of the images: read once
                self._keypoints = dataset_reader.read_keypoints(self._file, slice(None))
        increasing, back = np.unique(rows, return_inverse=True)
        large = [name for name in self.info.array_names if name != "keypoints"]
        arrays = {name: dataset_reader.read_rows(self._file, name, increasing)[back] for name in large}
        if self.info.has_keypoints:
            arrays["keypoints"] = self._keypoints[rows]
        return Batch.of(arrays)

    def gather_together(self, window: Sequence[Rows]) -> list[Batch]:
        """Reads several batches at once."""
        whole = self.gather(np.concatenate(window))
        ends = np.cumsum([len(rows) for rows in window])
        parts = (whole.part(slice(end - len(rows), end)) for rows, end in zip(window, ends, strict=True))
        return [part.each(torch.clone) for part in parts]  # copies: with a view, a worker would send the whole window

    def batches(self, batches_of_rows: Sequence[Rows]) -> Iterator[Batch]:
        """See `Source`."""
        if self.num_workers:
            self.close()  # every worker must open the file itself: HDF5 handles do not survive a fork
        size = max(1, self._rows_together // max((len(rows) for rows in batches_of_rows), default=1))
        windows = [batches_of_rows[k : k + size] for k in range(0, len(batches_of_rows), size)]
        for batches in by_workers(self.gather_together, windows, self.num_workers):
            yield from batches

    def describe(self) -> str:
        """See `Source`."""
        return text("data_from_file", workers=self.num_workers)

    def hint(self) -> str:
        """See `Source`."""
        return text("faster_from_file", workers=self.num_workers)

    def close(self) -> None:
        """See `Source`."""
        if self._file is not None:
            self._file.close()
            self._file = None


def _guard(info: DatasetInfo) -> ContentGuard:
    assert info.key is not None
    return ContentGuard(info.path, info.key)


def _check_copy(info: DatasetInfo, name: str, array: NDArray[Any]) -> None:
    """Raises CacheError if a shared copy does not have the shape and dtype of the data set's array."""
    (N, C), (H, W), (h, w) = (info.num_images, info.num_classes), info.image_size, info.heatmap_size
    dtypes, shape = {
        "images": (("uint8",), (N, H, W)),
        "heatmaps": (("uint8", "float16"), (N, C, h, w)),
        "keypoints": (("float32",), (N, C, 2)),
    }[name]
    if array.dtype.name not in dtypes or array.shape != shape:
        form = {"dtype": array.dtype, "shape": array.shape, "expected": f"{' / '.join(dtypes)} {shape}"}
        raise CacheError("cache_other_form", path=info.path, name=name, **form)


def choose_cache(cache: str, info: DatasetInfo, device: torch.device, num_processes: int = 1) -> str:
    """Resolves `--cache auto` to device, ram or group; any other `cache` is returned unchanged.

    device: GPU memory, if the data set takes at most a quarter of what is free there. Otherwise ram, or with several
    processes group: one copy in main memory for all processes of the run, removed when they end.
    """
    if cache != "auto":
        return cache
    if device.type == "cuda" and bytes_held(info) * _SHARE_OF_GPU <= free_device_bytes(device):
        return "device"
    return "group" if num_processes > 1 else "ram"


def bytes_held(info: DatasetInfo) -> int:
    """Size of the data set in memory, in bytes."""
    with dataset_file.open_dataset(info.path) as (file, _):
        return dataset_reader.memory_bytes(file, info.array_names)


def open_source(info: DatasetInfo, cache: str, *, num_workers: int, device: torch.device) -> Source:
    """Opens the source for a result of `choose_cache`; raises as the class of the source does.

    Args:
        info: what the file declares.
        cache: ram, shared, group, device or none.
        num_workers: loader processes if nothing is held in memory.
        device: the compute device.
    """
    if cache == "device":
        return DeviceSource(info, device)
    if cache == "none":
        return FileSource(info, num_workers=num_workers)
    return MemorySource(info, shared=cache in ("shared", "group"), temporary=cache == "group")
