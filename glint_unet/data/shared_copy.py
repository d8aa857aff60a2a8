"""The file of one shared copy: its header, and how it is filled, attached to, inspected and removed.

A fixed-size header states shape, dtype and origin; the array follows. Every user of the copy holds a shared lock on
it; only the holder of the exclusive lock may remove it.
"""

import errno
import json
import math
import mmap
import os
import stat
import time
import zlib
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.errors import CacheError
from glint_unet.files import FileLock

HEADER_BYTES = 4096
_MAGIC = "glint-unet shared copy 1"
_LOOKS, _LOOK_S = 10, 0.02


class SharedCopy:
    """A copy mapped by this process; a temporary one is removed when its last user calls `close`.

    Attributes:
        path: the file.
        array: the read-only array; it stays readable after `close`, but no longer keeps the copy from being removed.
    """

    def __init__(self, lock: FileLock, array: NDArray[Any], *, temporary: bool) -> None:
        self._lock = lock
        self._temporary = temporary
        self.path = lock.path
        self.array = array

    def close(self) -> None:
        """Releases the copy; further calls do nothing."""
        self._lock.release()
        if self._temporary:
            self._temporary = False
            remove_unless_used(self.path)


@dataclass(frozen=True)
class CopyStatus:
    """The status of a shared copy, as shown by `shm_manager.py --list`.

    Attributes:
        path: the file, named glint_{md5}_{dataset}.
        source: the data set file it was made from.
        dataset: name of the array in that file.
        size_bytes: size of the file, including the header.
        age_s: seconds since its creation.
        in_use: whether any process is attached, including this one.
        pids: the attached processes, as far as they are visible to this user (Linux only).
    """

    path: Path
    source: str
    dataset: str
    size_bytes: int
    age_s: float
    in_use: bool
    pids: tuple[int, ...]


def attach(path: Path) -> SharedCopy | None:
    """Maps the copy at `path`; None if there is none.

    Raises:
        CacheError: it is damaged, unreadable, or not private to this user.
    """
    lock = _open_copy(path, shared=True)
    if lock is None:
        return None
    try:
        lock.acquire()
        status = os.fstat(lock.descriptor)
        if status.st_nlink == 0:  # removed between opening and locking
            lock.release()
            return None
        check_private(path, status, stat.S_ISREG)
        return _mapped(lock, status.st_size)
    except BaseException:
        lock.release()
        raise


def remove_unless_used(path: Path) -> bool:
    """Removes a copy unless a process is attached to it; returns whether it is gone."""
    lock = _open_copy(path, shared=False)
    if lock is None:
        return True
    try:
        for _ in range(_LOOKS):
            if lock.acquire(wait=False):
                if os.fstat(lock.descriptor).st_nlink:  # nobody can replace it while we hold this lock
                    path.unlink(missing_ok=True)
                return True
            time.sleep(_LOOK_S)  # listing the copies holds each lock for an instant
        return False
    finally:
        lock.release()


def status_of(path: Path) -> CopyStatus | None:
    """The status of a copy; None if it was removed meanwhile."""
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


def fill_copy(
    descriptor: int,
    form: tuple[tuple[int, ...], np.dtype[Any]],
    labels: dict[str, Any],
    fill: Callable[[NDArray[Any]], None],
) -> None:
    """Writes a copy into an empty file.

    Args:
        descriptor: descriptor of the file.
        form: shape and dtype of the array.
        labels: further header fields: `source`, `dataset` and `temporary`.
        fill: writes the values into the array passed to it.

    Raises:
        OSError: the file system is full; nothing was written.
    """
    shape, dtype = form
    size = HEADER_BYTES + math.prod(shape) * dtype.itemsize
    _reserve(descriptor, size)
    # not closed here but with its last array, which the traceback of an error may still reference
    fill(np.frombuffer(mmap.mmap(descriptor, size), dtype, offset=HEADER_BYTES).reshape(shape))
    header = {"shape": shape, "dtype": dtype.str, "made": time.time()} | labels
    os.pwrite(descriptor, _pack_header(header), 0)


def check_private(path: Path, status: os.stat_result, of_kind: Callable[[int], bool]) -> None:
    """Raises CacheError for a file or directory of the wrong kind, of another owner, or accessible to others."""
    if not of_kind(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        owner, mode = status.st_uid, oct(stat.S_IMODE(status.st_mode))
        raise CacheError("cache_not_private", path=path, owner=owner, mode=mode, uid=os.getuid())


def _open_copy(path: Path, *, shared: bool) -> FileLock | None:
    """The lock of a copy, not yet acquired; None if there is no copy."""
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
    # mmap duplicates its descriptor, and a duplicate would keep the lock alive, so the file is opened again for it
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


def _reserve(descriptor: int, size: int) -> None:
    """Reserves the space, so that a full file system is an OSError here and not a SIGBUS while filling."""
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    usage = os.fstatvfs(descriptor)  # macOS lacks posix_fallocate
    if usage.f_bavail * usage.f_frsize < size:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    os.ftruncate(descriptor, size)


def _attached_pids(path: Path) -> tuple[int, ...]:
    """The processes that map the copy (Linux only; empty elsewhere)."""
    pids = []
    for maps in Path("/proc").glob("[0-9]*/maps"):
        with suppress(OSError):
            if str(path) in maps.read_text(errors="replace"):
                pids.append(int(maps.parent.name))
    return tuple(sorted(pids))
