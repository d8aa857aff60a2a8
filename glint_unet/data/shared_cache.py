"""One read-only copy of a data set per machine, shared by all runs of a user.

A copy is a plain file in a private directory in `/dev/shm` (or in the cache directory, if `/dev/shm` is missing or
full), mapped PROT_READ: a stray write faults only in the process at fault. `multiprocessing.shared_memory` is not used,
because on Python < 3.13 its resource tracker deletes the segment for all processes when the first one ends.

Life cycle. Create: lock the directory, reserve the space (a full file system is an error here, not a SIGBUS later),
fill a temporary file, rename it; a file with its final name is therefore complete. Attach: check owner, mode, size and
header, and hold a shared lock. Remove: only with the exclusive lock, hence never while in use; the lock of a dead
process is released with it. A temporary copy (for the processes of one run) is removed when its last user closes it.
"""

import contextlib
import errno
import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.data import dataset_file, dataset_reader
from glint_unet.data.file_identity import cache_directory, key_of_file, md5_of_file
from glint_unet.data.shared_copy import (
    CopyStatus,
    SharedCopy,
    attach,
    check_private,
    fill_copy,
    remove_unless_used,
    status_of,
)
from glint_unet.errors import CacheError, DatasetError, SpaceError
from glint_unet.files import FileLock, sweep_temporaries

SHARED_MEMORY_ROOT = Path("/dev/shm")
_TRIES = 3


@dataclass(frozen=True)
class _Origin:
    """The source of a copy: an array of a file, and the file's key before it was read; `temporary` is its lifetime."""

    h5_path: Path
    dataset: str
    key: tuple[int, ...]
    temporary: bool


class SharedMemoryDatasetCache:
    """Creates, finds and removes shared copies of data set arrays on this machine."""

    @staticmethod
    def compute_md5(path: str | Path) -> str:
        """MD5 of a file, 32 hexadecimal digits; cached while the file is provably unchanged."""
        return md5_of_file(Path(path))

    @staticmethod
    def get_shm_name(h5_path: str | Path, dataset_name: str) -> str:
        """The file name of a copy: glint_{md5 of the file}_{dataset}."""
        return f"glint_{md5_of_file(Path(h5_path))}_{dataset_name}"

    @classmethod
    def try_attach_or_create(
        cls,
        h5_path: str | Path,
        dataset_name: str,
        data_array: NDArray[Any] | None = None,
        *,
        temporary: bool = False,
    ) -> tuple[SharedCopy, NDArray[Any], bool]:
        """Attaches to the shared copy of an array, creating it if there is none.

        Args:
            h5_path: the data set file.
            dataset_name: 'images', 'heatmaps' or 'keypoints'.
            data_array: the array, if the caller already has it; None: it is read from the file. If the file contains
                the array, the two are compared, since other runs will use the copy in place of the file.
            temporary: a newly created copy is removed when its last user closes it, instead of staying for later runs.

        Returns:
            handle: keeps the copy from being removed until its `close`, or until this process ends.
            array: the read-only array: uint8, float16 or float32.
            is_new: whether this call created the copy.

        Raises:
            SpaceError: neither `/dev/shm` nor the cache directory has enough space.
            CacheError: the directory or the copy belongs to another user, or `data_array` differs from the file.
            DatasetError: the file cannot be read, or keeps being replaced while it is copied.
            TypeError: `data_array` is not a NumPy array, or holds objects or records.
        """
        if data_array is not None and not _holds_plain_values(data_array):
            kind = getattr(data_array, "dtype", type(data_array).__name__)
            raise TypeError(f"data_array: {kind} is not a NumPy array of plain values")
        h5_path = Path(h5_path)
        for _ in range(_TRIES):
            before = key_of_file(h5_path)
            name = cls.get_shm_name(h5_path, dataset_name)
            if attached := _attach_anywhere(name):
                return attached, attached.array, False
            created = _create_anywhere(name, _Origin(h5_path, dataset_name, before, temporary), data_array)
            if created is not None:
                return created
        raise DatasetError("dataset_changing", path=h5_path)

    @classmethod
    def cleanup(
        cls, h5_path: str | Path, dataset_names: Sequence[str] = dataset_reader.ARRAY_NAMES
    ) -> tuple[list[Path], list[Path]]:
        """Removes copies made from a file, including those of earlier contents, unless they are in use.

        Returns:
            The copies removed, and those kept because they are in use.
        """
        source = str(Path(h5_path).absolute())
        names = {cls.get_shm_name(h5_path, name) for name in dataset_names} if Path(h5_path).is_file() else set()
        return cls._remove(
            lambda copy: copy.path.name in names or (copy.source == source and copy.dataset in dataset_names)
        )

    @classmethod
    def cleanup_all(cls) -> tuple[list[Path], list[Path]]:
        """Removes every copy of this user that is not in use; returns as `cleanup` does."""
        return cls._remove(lambda copy: True)

    @staticmethod
    def _remove(wanted: Callable[[CopyStatus], bool]) -> tuple[list[Path], list[Path]]:
        removed: list[Path] = []
        kept: list[Path] = []
        for copy in SharedMemoryDatasetCache.list_copies():
            if wanted(copy):
                (removed if remove_unless_used(copy.path) else kept).append(copy.path)
        return removed, kept

    @staticmethod
    def list_copies() -> list[CopyStatus]:
        """The status of every shared copy of this user on this machine."""
        paths = [path for directory in _directories() for path in sorted(directory.glob("glint_*_*"))]
        return [copy for path in paths if (copy := status_of(path))]


def _holds_plain_values(array: object) -> bool:
    return isinstance(array, np.ndarray) and array.dtype.kind not in "OV"


def _directories(*, make: bool = False) -> Iterator[Path]:
    """The user's directories for copies, the preferred one first."""
    roots = []
    with contextlib.suppress(OSError):  # no usable cache directory: nothing to list or create there
        roots.append(cache_directory() / "shared")
    if SHARED_MEMORY_ROOT.is_dir():
        roots.insert(0, SHARED_MEMORY_ROOT / f"glint-{os.getuid()}")
    for root in roots:
        if make:
            with contextlib.suppress(OSError):  # it exists already, or its parent is not writable
                root.mkdir(mode=0o700)
        if os.path.lexists(root):
            check_private(root, root.lstat(), stat.S_ISDIR)
            yield root


def _attach_anywhere(name: str) -> SharedCopy | None:
    for directory in _directories():
        if copy := attach(directory / name):
            return copy
    return None


def _create_anywhere(
    name: str, origin: _Origin, data_array: NDArray[Any] | None
) -> tuple[SharedCopy, NDArray[Any], bool] | None:
    """Creates the copy in the first directory with enough space; None if the file was replaced meanwhile."""
    for directory in _directories(make=True):
        with FileLock(directory / ".lock", create=True):
            sweep_temporaries(directory)  # safe under the lock: their writers are dead
            if other := attach(directory / name):  # another process was faster
                return other, other.array, False
            try:
                made = _create(directory / name, origin, data_array)
            except OSError as error:
                if error.errno not in (errno.ENOSPC, errno.EDQUOT):
                    raise CacheError("cache_unwritable", path=directory, reason=error.strerror) from error
                continue
            if made is None:
                return None
            return made, made.array, True
    raise SpaceError("cache_full", path=origin.h5_path, root=SHARED_MEMORY_ROOT, fallback="~/.cache/glint_unet")


def _create(path: Path, origin: _Origin, data_array: NDArray[Any] | None) -> SharedCopy | None:
    labels = {
        "source": str(origin.h5_path.absolute()),
        "dataset": origin.dataset,
        "temporary": origin.temporary,
    }
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if data_array is not None:
            _check_given(origin, data_array)
            fill_copy(descriptor, (data_array.shape, data_array.dtype), labels, lambda out: _copy(out, data_array))
        else:
            with dataset_file.open_dataset(origin.h5_path) as (file, _):
                if origin.dataset not in file:
                    name, found = origin.dataset, ", ".join(file)
                    raise DatasetError("dataset_missing_part", path=origin.h5_path, name=name, found=found)
                form = dataset_reader.compact_form(file, origin.dataset)
                fill = lambda out: dataset_reader.fill_array(file, origin.dataset, out)  # noqa: E731
                fill_copy(descriptor, form, labels, fill)
        if key_of_file(origin.h5_path) != origin.key:
            return None
        unfinished.rename(path)
        return attach(path)
    finally:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)


def _check_given(origin: _Origin, data: NDArray[Any]) -> None:
    """Raises CacheError if the array differs from the one in the file; names that the file lacks are not checked."""
    path, name = origin.h5_path, origin.dataset
    with dataset_file.open_dataset(path) as (file, info):
        if name not in info.array_names:
            return
        shape, dtype = dataset_reader.compact_form(file, name)
        if (data.shape, data.dtype) != (shape, dtype):
            form = {"dtype": data.dtype, "shape": data.shape, "expected": f"{dtype} {shape}"}
            raise CacheError("cache_given_form", path=path, name=name, **form)
        for rows, block in dataset_reader.read_blocks(file, name):
            if not np.array_equal(data[rows], block, equal_nan=dtype.kind == "f"):
                raise CacheError("cache_given_values", path=path, name=name, first=rows.start, last=rows.stop - 1)


def _copy(out: NDArray[Any], data: NDArray[Any]) -> None:
    out[...] = data
