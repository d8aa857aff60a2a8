"""Atomic writes, and file locks that are released when their process ends.

Every file is written through `whole_file`: a temporary file in the same directory is written, flushed, fsynced,
checked, renamed over the old one, and the directory is fsynced. A kill at any instant, a power cut or a full disk
leaves either the old file or the new one.
"""

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

from glint_unet.errors import RunDirectoryError, SpaceError

_TEMPORARY = ".{name}.{pid}.tmp"


@contextlib.contextmanager
def whole_file(
    path: Path, check: Callable[[Path], None] | None = None, *, survive_power_cut: bool = True
) -> Iterator[Path]:
    """Yields a temporary path beside `path`; if the block ends without an error, that file replaces `path`.

    Args:
        path: the file to create or replace.
        check: reads the temporary file back and raises if it is damaged; called before the rename.
        survive_power_cut: fsync the file and its directory; off for large numbers of files that can be regenerated.

    Raises:
        SpaceError: the disk is full; the old file is untouched.
        RunDirectoryError: the directory is not writable.
    """
    temporary = path.with_name(_TEMPORARY.format(name=path.name, pid=os.getpid()))
    try:
        yield temporary
        if survive_power_cut:
            _sync(temporary)
        if check is not None:
            check(temporary)
        os.replace(temporary, path)
        if survive_power_cut:
            _sync(path.parent)
    except OSError as error:
        raise _glint_error(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block that writes only `path`; an OSError in it becomes a GlintError.

    Raises:
        SpaceError: the disk is full.
        RunDirectoryError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise _glint_error(error, path) from error


def write_bytes(
    path: Path, content: bytes, check: Callable[[Path], None] | None = None, *, survive_power_cut: bool = True
) -> None:
    """Writes a file atomically; arguments and errors as for `whole_file`."""
    with whole_file(path, check, survive_power_cut=survive_power_cut) as temporary:
        _write_all(temporary, content, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


def append_text(path: Path, content: str) -> None:
    """Appends text to a log, the only kind of file that is not replaced atomically; in a single write if possible.

    Raises:
        SpaceError: the disk is full.
        RunDirectoryError: the file cannot be written.
    """
    with writing(path):
        _write_all(path, content.encode(errors="backslashreplace"), os.O_WRONLY | os.O_CREAT | os.O_APPEND)


def _write_all(path: Path, content: bytes, flags: int) -> None:
    descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any, *, survive_power_cut: bool = True) -> None:
    """Writes JSON atomically; other types become text, NaN and infinity raise ValueError."""
    content = json.dumps(value, indent=2, ensure_ascii=False, default=str, allow_nan=False)
    # file names that are not UTF-8 contain lone surrogates; their escapes are valid in JSON too
    write_bytes(path, content.encode(errors="backslashreplace") + b"\n", survive_power_cut=survive_power_cut)


def move(path: Path, into: Path) -> None:
    """Moves a file durably into another directory on the same disk, keeping its name.

    Raises:
        RunDirectoryError: it cannot be moved.
    """
    try:
        os.rename(path, into / path.name)
        _sync(into)
        _sync(path.parent)
    except OSError as error:
        raise _glint_error(error, path) from error


def remove(path: Path) -> None:
    """Removes a file if it exists.

    Raises:
        RunDirectoryError: it cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _glint_error(error, path) from error


def _sync(path: Path) -> None:
    """Syncs a file or a directory to disk, so that it survives a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_temporaries(directory: Path) -> None:
    """Removes temporary files of killed writers; call only while holding the lock of the directory."""
    for leftover in directory.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def check_writable(directory: Path) -> None:
    """Checks that files can be created in a directory.

    Raises:
        RunDirectoryError: the directory is not writable.
        SpaceError: the disk is full.
    """
    probe = directory / ".probe"
    write_bytes(probe, b"probe")
    probe.unlink()


def check_space(path: Path, need_bytes: int) -> None:
    """Raises SpaceError if the disk of `path` has less than `need_bytes` free."""
    free = _free_bytes(path)
    if free < need_bytes:
        raise SpaceError("disk_full", path=path, free_mb=free // 2**20)


def _free_bytes(path: Path) -> int:
    usage = os.statvfs(path.parent)
    return usage.f_bavail * usage.f_frsize


def _glint_error(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SpaceError("disk_full", path=path, free_mb=_free_bytes(path) // 2**20)
    return RunDirectoryError("not_writable", path=path, reason=os.strerror(error.errno) if error.errno else error)


_held_descriptors: set[int] = set()


def _close_in_child() -> None:
    """Closes inherited descriptors, so that a forked loader worker does not keep the locks of a dead parent alive."""
    for descriptor in _held_descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held_descriptors.clear()


os.register_at_fork(after_in_child=_close_in_child)


class FileLock:
    """An advisory lock (flock) on a file, released by the system when its process ends for any reason.

    Args:
        path: the file to lock.
        shared: a shared lock, of which there can be many at once, but not together with an exclusive one.
        create: create the file if it is missing.

    Raises:
        FileNotFoundError: the file is missing and `create` is off.
    """

    def __init__(self, path: Path, *, shared: bool = False, create: bool = False) -> None:
        flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
        self.path = path
        self.descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        _held_descriptors.add(self.descriptor)

    def acquire(self, *, wait: bool = True) -> bool:
        """Acquires the lock; without `wait`, returns False immediately if another process holds it."""
        try:
            fcntl.flock(self.descriptor, self._kind | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def describe_holder(self) -> None:
        """Writes the process id and host name into the file, for error messages of other processes."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()} {socket.gethostname()}".encode(), 0)

    def holder(self) -> tuple[str, str]:
        """Process id and host name written by the holder; '?' if it has not written them yet."""
        words = os.pread(self.descriptor, 300, 0).decode(errors="replace").split()
        return (words[0], words[1]) if len(words) == 2 else ("?", "?")

    @contextlib.contextmanager
    def reopened(self) -> Iterator[int]:
        """Yields another read-only descriptor of the same file, which does not hold the lock.

        Raises:
            OSError: the path now refers to a different file.
        """
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if not os.path.sameopenfile(descriptor, self.descriptor):
                raise OSError(errno.ESTALE, "replaced while it was opened", str(self.path))
            yield descriptor
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Releases the lock and closes the file; further calls do nothing."""
        if self.descriptor in _held_descriptors:
            _held_descriptors.discard(self.descriptor)
            os.close(self.descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
