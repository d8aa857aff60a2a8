"""One read-only copy of a data set per machine, for all runs of a user.

A copy is a plain file in a directory of the user's own in `/dev/shm` (or in the cache directory, where there is no
`/dev/shm` or it is full), mapped PROT_READ: a stray write faults in the one guilty process. `multiprocessing.
shared_memory` is not used, because its tracker on Python < 3.13 deletes the segment under the other processes when the
first one ends.

Life of a copy. Create: take the directory's lock, reserve the space (a full file system is an error here, not a SIGBUS
later), fill a temporary file, rename. A file that has its name is therefore whole. Attach: check owner, mode, size and
header, and hold a shared lock. Remove: only with the exclusive lock, so never under a user; the lock of a dead process
is gone with it. A temporary copy (several processes of one run) is removed in this way when its last user closes it.
"""

import contextlib
import errno
import json
import math
import mmap
import os
import stat
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.data import dataset_file, dataset_reader
from glint_unet.data.file_identity import cache_directory, key_of_file, md5_of_file
from glint_unet.errors import CacheError, DatasetError, SpaceError
from glint_unet.files import FileLock, sweep_temporaries

SHARED_MEMORY_ROOT = Path("/dev/shm")
HEADER_BYTES = 4096
_MAGIC = "glint-unet shared copy 1"
_TRIES = 3
_LOOKS, _LOOK_S = 10, 0.02


class SharedCopy:
    """A mapped copy in use by this process, until `close`; a temporary one is removed with the last user's `close`.

    Attributes:
        path: the file.
        array: the read-only array; stays readable after `close`, but no longer keeps the copy from being removed.
    """

    def __init__(self, lock: FileLock, array: NDArray[Any], *, temporary: bool) -> None:
        self._lock = lock
        self._temporary = temporary
        self.path = lock.path
        self.array = array

    def close(self) -> None:
        """Gives up the claim on the copy; a second call does nothing."""
        self._lock.release()
        if self._temporary:
            self._temporary = False
            _remove_unless_used(self.path)


@dataclass(frozen=True)
class CopyStatus:
    """One shared copy, as `shm_manager.py --list` shows it.

    Attributes:
        path: the file; its name is glint_{md5}_{dataset}.
        source: the data set file that it was made from.
        dataset: the array's name in that file.
        size_bytes: bytes held, header included.
        age_s: seconds since it was made.
        in_use: another process, or this one, is attached.
        pids: the attached processes, as far as this user may see them.
    """

    path: Path
    source: str
    dataset: str
    size_bytes: int
    age_s: float
    in_use: bool
    pids: tuple[int, ...]


@dataclass(frozen=True)
class _Origin:
    """What a copy is made of: an array of a file, which had this key before it was read, and how long it is to stay."""

    h5_path: Path
    dataset: str
    key: tuple[int, ...]
    temporary: bool


class SharedMemoryDatasetCache:
    """Makes, finds and removes the machine's shared copies of data set arrays."""

    @staticmethod
    def compute_md5(path: str | Path) -> str:
        """MD5 of a file, 32 hexadecimal digits; remembered while the file provably stays the same."""
        return md5_of_file(Path(path))

    @staticmethod
    def get_shm_name(h5_path: str | Path, dataset_name: str) -> str:
        """The name of the copy: glint_{md5 of the file}_{dataset}."""
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
        """Attaches to the machine's copy of an array, making it first where there is none.

        Args:
            h5_path: the data set file.
            dataset_name: 'images', 'heatmaps' or 'keypoints'.
            data_array: the array, where the caller has it already; else it is read from the file. An array that the
                file holds as well is compared with it, since every other run will use the copy as the file's content.
            temporary: a copy that is made goes when the last process closes it, instead of staying for later runs.

        Returns:
            handle: keeps the copy from being removed until its `close`, or until this process ends.
            array: read-only, uint8 or float16 or float32.
            is_new: this call made the copy.

        Raises:
            SpaceError: neither `/dev/shm` nor the cache directory has room.
            CacheError: the directory or the copy belongs to somebody else, or `data_array` is not what the file holds.
            DatasetError: the file cannot be read, or is replaced again and again while it is copied.
        """
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
        """Removes the copies made from a file, also from an earlier content of it, unless they are in use.

        Returns:
            The copies removed, and those that are in use and stay.
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
                (removed if _remove_unless_used(copy.path) else kept).append(copy.path)
        return removed, kept

    @staticmethod
    def list_copies() -> list[CopyStatus]:
        """Every shared copy of this user on this machine."""
        paths = [path for directory in _directories() for path in sorted(directory.glob("glint_*_*"))]
        return [copy for path in paths if (copy := _status(path))]


def _directories(*, make: bool = False) -> Iterator[Path]:
    """The user's directories for copies, the better one first."""
    roots = []
    with contextlib.suppress(OSError):  # a home that cannot be written has no copies, and gets none
        roots.append(cache_directory() / "shared")
    if SHARED_MEMORY_ROOT.is_dir():
        roots.insert(0, SHARED_MEMORY_ROOT / f"glint-{os.getuid()}")
    for root in roots:
        if make:
            with contextlib.suppress(OSError):  # it is there already, or its parent cannot be written
                root.mkdir(mode=0o700)
        if os.path.lexists(root):
            _check_private(root, root.lstat(), stat.S_ISDIR)
            yield root


def _check_private(path: Path, status: os.stat_result, of_kind: Callable[[int], bool]) -> None:
    if not of_kind(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        owner, mode = status.st_uid, oct(stat.S_IMODE(status.st_mode))
        raise CacheError("cache_not_private", path=path, owner=owner, mode=mode, uid=os.getuid())


def _attach_anywhere(name: str) -> SharedCopy | None:
    for directory in _directories():
        if copy := _attach(directory / name):
            return copy
    return None


def _attach(path: Path) -> SharedCopy | None:
    """Maps the copy at `path`, or returns None where there is none."""
    lock = _open_copy(path, shared=True)
    if lock is None:
        return None
    try:
        lock.acquire()
        status = os.fstat(lock.descriptor)
        if status.st_nlink == 0:  # removed between opening and locking
            lock.release()
            return None
        _check_private(path, status, stat.S_ISREG)
        return _mapped(lock, status.st_size)
    except BaseException:
        lock.release()
        raise


def _open_copy(path: Path, *, shared: bool) -> FileLock | None:
    """The copy's lock, not yet acquired; None where there is no copy, or no longer."""
    try:
        return FileLock(path, shared=shared)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CacheError("cache_unreadable", path=path, reason=error.strerror) from error


def _mapped(lock: FileLock, size: int) -> SharedCopy:
    header = _read_header(lock.descriptor, lock.path)
    shape, dtype = tuple(header["shape"]), np.dtype(header["dtype"])
    if size != HEADER_BYTES + math.prod(shape) * dtype.itemsize:
        raise CacheError("cache_damaged", path=lock.path)
    # mmap keeps a duplicate of its descriptor, and a duplicate would keep the lock: so it gets one of its own
    with lock.reopened() as descriptor:
        memory = mmap.mmap(descriptor, size, flags=mmap.MAP_SHARED, prot=mmap.PROT_READ)
    array = np.frombuffer(memory, dtype, offset=HEADER_BYTES).reshape(shape)
    return SharedCopy(lock, array, temporary=bool(header.get("temporary", False)))


def _pack_header(fields: dict[str, Any]) -> bytes:
    body = json.dumps(fields | {"magic": _MAGIC}).encode()
    header = f"{zlib.crc32(body):08x}".encode() + body
    assert len(header) <= HEADER_BYTES
    return header.ljust(HEADER_BYTES)


def _read_header(descriptor: int, path: Path) -> dict[str, Any]:
    header = os.pread(descriptor, HEADER_BYTES, 0)
    body = header[8:].rstrip()
    try:
        fields: dict[str, Any] = json.loads(body)
        good = int(header[:8], 16) == zlib.crc32(body) and fields["magic"] == _MAGIC
    except (ValueError, KeyError, TypeError):
        good = False
    if not good:
        raise CacheError("cache_damaged", path=path)
    return fields


def _create_anywhere(
    name: str, origin: _Origin, data_array: NDArray[Any] | None
) -> tuple[SharedCopy, NDArray[Any], bool] | None:
    """Makes the copy in the first directory with room; None where the file was replaced meanwhile."""
    for directory in _directories(make=True):
        with FileLock(directory / ".lock", create=True):
            sweep_temporaries(directory)  # under the lock: whoever began them is dead
            if other := _attach(directory / name):  # another process was faster
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
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(unfinished, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        if data_array is not None:
            _check_given(origin, data_array)
            _fill(descriptor, origin, data_array.shape, data_array.dtype, lambda out: _copy(out, data_array))
        else:
            with dataset_file.open_dataset(origin.h5_path) as (file, _):
                if origin.dataset not in file:
                    name, found = origin.dataset, ", ".join(file)
                    raise DatasetError("dataset_missing_part", path=origin.h5_path, name=name, found=found)
                shape, dtype = dataset_reader.compact_form(file, origin.dataset)
                fill = lambda out: dataset_reader.fill_array(file, origin.dataset, out)  # noqa: E731
                _fill(descriptor, origin, shape, dtype, fill)
        if key_of_file(origin.h5_path) != origin.key:
            return None
        unfinished.rename(path)
        return _attach(path)
    finally:
        os.close(descriptor)
        unfinished.unlink(missing_ok=True)


def _check_given(origin: _Origin, data: NDArray[Any]) -> None:
    """Refuses an array that is not what the file holds under that name; other names are the caller's own."""
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


def _fill(
    descriptor: int,
    origin: _Origin,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    fill: Callable[[NDArray[Any]], None],
) -> None:
    size = HEADER_BYTES + math.prod(shape) * dtype.itemsize
    _reserve(descriptor, size)
    # not closed here but with its last array: a refusal's traceback may still hold one
    fill(np.frombuffer(mmap.mmap(descriptor, size), dtype, offset=HEADER_BYTES).reshape(shape))
    fields = {
        "shape": shape,
        "dtype": dtype.str,
        "source": str(origin.h5_path.absolute()),
        "dataset": origin.dataset,
        "made": time.time(),
        "temporary": origin.temporary,
    }
    os.pwrite(descriptor, _pack_header(fields), 0)


def _reserve(descriptor: int, size: int) -> None:
    """Takes the space now, so that a full file system is an OSError here and not a SIGBUS while filling."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    usage = os.fstatvfs(descriptor)  # macOS: the best there is
    if usage.f_bavail * usage.f_frsize < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.ftruncate(descriptor, size)


def _remove_unless_used(path: Path) -> bool:
    """Unlinks a copy that nobody is attached to; False where somebody is."""
    lock = _open_copy(path, shared=False)
    if lock is None:
        return True
    try:
        for _ in range(_LOOKS):
            if lock.acquire(wait=False):
                if os.fstat(lock.descriptor).st_nlink:  # nobody can put another copy in its place under this lock
                    path.unlink(missing_ok=True)
                return True
            time.sleep(_LOOK_S)  # whoever lists the copies holds each lock for an instant
        return False
    finally:
        lock.release()


def _status(path: Path) -> CopyStatus | None:
    """One copy's status; None where it was removed meanwhile."""
    lock = _open_copy(path, shared=False)
    if lock is None:
        return None
    try:
        status = os.fstat(lock.descriptor)
        try:
            header = _read_header(lock.descriptor, path)
            source, dataset, made = header["source"], header["dataset"], header["made"]
        except CacheError:
            source, dataset, made = "?", path.name.rpartition("_")[2], status.st_mtime
        in_use = not lock.acquire(wait=False)
    finally:
        lock.release()
    if status.st_nlink == 0:
        return None
    return CopyStatus(path, source, dataset, status.st_size, max(0.0, time.time() - made), in_use, _attached_pids(path))


def _attached_pids(path: Path) -> tuple[int, ...]:
    """The processes that map the copy (Linux; empty elsewhere)."""
    pids = []
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with contextlib.suppress(OSError):
            if str(path) in maps.read_text(errors="replace"):
                pids.append(int(maps.parent.name))
    return tuple(sorted(pids))
