"""Files that are whole or not there, and locks that die with their process.

Every file that the package writes goes through `whole_file`: a temporary file in the same directory, written, flushed,
fsynced, checked, renamed over the old one, and the directory fsynced. A kill at any instant, a power cut or a full
disk leaves either the old file or the new one.
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
    """Yields a temporary path beside `path`; when the block ends without error, that file becomes `path`.

    Args:
        path: the file to make or to replace.
        check: reads the temporary file back and raises if it is not good; called before the rename.
        survive_power_cut: wait until the disk has it; off for pictures and tables that can be made again, by the
            thousand.

    Raises:
        SpaceError: the disk is full; the old file is untouched.
        RunDirectoryError: the directory cannot be written.
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
        raise _told(error, path) from error
    finally:
        with contextlib.suppress(OSError):
            os.unlink(temporary)


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """A block that writes `path` and nothing else: what the system refuses there becomes an error of ours.

    Raises:
        SpaceError: the disk is full.
        RunDirectoryError: the file cannot be written.
    """
    try:
        yield
    except OSError as error:
        raise _told(error, path) from error


def write_bytes(
    path: Path, content: bytes, check: Callable[[Path], None] | None = None, *, survive_power_cut: bool = True
) -> None:
    """Writes a whole file at once, as `whole_file` does."""
    with whole_file(path, check, survive_power_cut=survive_power_cut) as temporary:
        _write_all(temporary, content, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)


def append_text(path: Path, content: str) -> None:
    """Adds text to a log, in one write where the system allows; the one file that is not replaced as a whole.

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


def write_json(path: Path, value: Any) -> None:
    """Writes JSON as a whole file; what JSON cannot hold becomes text, NaN and infinity are refused."""
    content = json.dumps(value, indent=2, ensure_ascii=False, default=str, allow_nan=False)
    # names of files that are no UTF-8 reach us as lone surrogates: the escape is JSON's own as well
    write_bytes(path, content.encode(errors="backslashreplace") + b"\n")


def move(path: Path, into: Path) -> None:
    """Moves a file into another directory of the same disk, under its own name, for good."""
    try:
        os.rename(path, into / path.name)
        _sync(into)
        _sync(path.parent)
    except OSError as error:
        raise _told(error, path) from error


def remove(path: Path) -> None:
    """Removes a file, if it is there.

    Raises:
        RunDirectoryError: it cannot be removed.
    """
    try:
        os.unlink(path)
    except FileNotFoundError:
        return
    except OSError as error:
        raise _told(error, path) from error


def _sync(path: Path) -> None:
    """Makes a file's content, or a directory's names, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sweep_temporaries(directory: Path) -> None:
    """Removes what a killed writer left behind; only for the holder of the directory's lock."""
    for leftover in directory.glob(".*.tmp"):
        leftover.unlink(missing_ok=True)


def check_writable(directory: Path) -> None:
    """Proves that a file can be made in the directory.

    Raises:
        RunDirectoryError: it cannot be written.
        SpaceError: the disk is full.
    """
    probe = directory / ".probe"
    write_bytes(probe, b"probe")
    probe.unlink()


def check_space(path: Path, need_bytes: int) -> None:
    """Raises SpaceError where the disk of `path` has less free than is about to be written."""
    free = _free_bytes(path)
    if free < need_bytes:
        raise SpaceError("disk_full", path=path, free_mb=free // 2**20)


def _free_bytes(path: Path) -> int:
    usage = os.statvfs(path.parent)
    return usage.f_bavail * usage.f_frsize


def _told(error: OSError, path: Path) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return SpaceError("disk_full", path=path, free_mb=_free_bytes(path) // 2**20)
    return RunDirectoryError("not_writable", path=path, reason=error.strerror or error)


_held_descriptors: set[int] = set()


def _close_in_child() -> None:
    """A forked loader worker must not keep its parent's locks alive after the parent's death."""
    for descriptor in _held_descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
    _held_descriptors.clear()


os.register_at_fork(after_in_child=_close_in_child)


class FileLock:
    """An advisory lock (flock) on a file, freed by the system when its process ends in whatever way.

    Args:
        path: the file to lock.
        shared: many holders at once, who together keep an exclusive one out.
        create: make the file if it is missing; else that raises FileNotFoundError.
    """

    def __init__(self, path: Path, *, shared: bool = False, create: bool = False) -> None:
        flags = os.O_RDWR | os.O_CREAT if create else os.O_RDONLY
        self.path = path
        self.descriptor = os.open(path, flags | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        self._kind = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        _held_descriptors.add(self.descriptor)

    def acquire(self, *, wait: bool = True) -> bool:
        """Takes the lock; without `wait`, returns False at once where another process holds it."""
        try:
            fcntl.flock(self.descriptor, self._kind | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            return False
        return True

    def describe_holder(self) -> None:
        """Writes this process's id and host into the file, for whoever finds it locked."""
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, f"{os.getpid()} {socket.gethostname()}".encode(), 0)

    def holder(self) -> tuple[str, str]:
        """Process id and host of the holder, as it wrote them ('?' where it has not yet)."""
        words = os.pread(self.descriptor, 300, 0).decode(errors="replace").split()
        return (words[0], words[1]) if len(words) == 2 else ("?", "?")

    @contextlib.contextmanager
    def reopened(self) -> Iterator[int]:
        """Another read-only descriptor of the very same file, which does not hold the lock."""
        descriptor = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        try:
            if not os.path.sameopenfile(descriptor, self.descriptor):
                raise OSError(errno.ESTALE, "replaced while it was opened", str(self.path))
            yield descriptor
        finally:
            os.close(descriptor)

    def release(self) -> None:
        """Frees the lock and closes the file; a second call does nothing."""
        if self.descriptor in _held_descriptors:
            _held_descriptors.discard(self.descriptor)
            os.close(self.descriptor)

    def __enter__(self) -> Self:
        self.acquire()
        return self

    def __exit__(self, *exc: object) -> None:
        self.release()
