"""The identity of a file's content: its MD5, cached for as long as the file is provably unchanged.

Hashing 1 GiB takes seconds, so the MD5 is cached in a private sidecar file keyed by (device, inode, size, mtime,
ctime). ctime makes this safe: `cp -p`, `rsync -t` and `utime` restore mtime but not ctime. A ctime so recent that a
second write could have the same timestamp is not trusted (as with "racy" entries in the git index).
"""

import contextlib
import hashlib
import json
import os
import stat
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from glint_unet.errors import DatasetError, GlintError
from glint_unet.files import write_json

FileKey = tuple[int, int, int, int, int]

_SETTLED_NS = 2_000_000_000
_TRIES = 3
_RULES = 2  # version of the validation rules: files validated by earlier rules are read again


def cache_directory() -> Path:
    """The user's private cache directory; created on first use with mode 0700.

    It is in the home directory, or in the system's temporary directory if there is no home (as in containers whose user
    has no passwd entry) or it is not writable.

    Raises:
        OSError: neither can be used, or the temporary one is not private to this user.
    """
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: no HOME, and no passwd entry for this user id
        directory = Path.home() / ".cache" / "glint_unet"
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return directory
    directory = Path(tempfile.gettempdir()) / f"glint_unet-{os.getuid()}"
    directory.mkdir(mode=0o700, exist_ok=True)
    status = directory.lstat()  # anybody could have created this path first
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or stat.S_IMODE(status.st_mode) & 0o077:
        raise PermissionError(f"{directory} is not private to user {os.getuid()}")
    return directory


def file_key(status: os.stat_result) -> FileKey:
    """A key that changes whenever the content may have changed: (device, inode, size, mtime_ns, ctime_ns)."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@dataclass(frozen=True)
class KnownFile:
    """Cached facts about the content of a file.

    Attributes:
        md5: 32 hexadecimal digits.
        valid: whether it was read as a data set from end to end and every value was valid.
    """

    md5: str
    valid: bool


def md5_of_file(path: Path) -> str:
    """MD5 of a file's content, 32 hexadecimal digits; taken from the cache where that is safe.

    Raises:
        DatasetError: the file is missing, unreadable, or keeps changing while it is read.
    """
    known = recall(path)
    return known.md5 if known else remember(path).md5


def recall(path: Path) -> KnownFile | None:
    """The cached facts about a file, if its content is provably unchanged; else None.

    Raises:
        DatasetError: the file is missing or unreadable.
    """
    return _recall(key_of_file(path))


def _recall(key: FileKey) -> KnownFile | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        sidecar = json.loads(_sidecar(key).read_text())
        if tuple(sidecar["key"]) == key and len(sidecar["md5"]) == 32:
            return KnownFile(str(sidecar["md5"]), sidecar["valid"] == _RULES)
    return None


def remember(path: Path, found_good: FileKey | None = None) -> KnownFile:
    """Hashes a file and caches the result for as long as the file is provably unchanged.

    Args:
        path: the file.
        found_good: `file_key` of the file at the time when it was validated as a data set.

    Returns:
        The facts now known; valid only if the file still has the key `found_good`.

    Raises:
        DatasetError: the file is missing, unreadable, or keeps changing while it is read.
    """
    for _ in range(_TRIES):
        key, started_ns = key_of_file(path), time.time_ns()
        md5 = _hash(path)
        if key_of_file(path) == key:
            valid = key == found_good
            if started_ns - key[4] > _SETTLED_NS:
                _write_sidecar(key, md5, valid)
            return KnownFile(md5, valid)
    raise DatasetError("dataset_changing", path=path)


def key_of_file(path: Path) -> FileKey:
    """`file_key` of a data set file; raises DatasetError if it is missing or unreadable."""
    try:
        return file_key(path.stat())
    except FileNotFoundError as error:
        raise DatasetError("dataset_missing_file", path=path) from error
    except OSError as error:
        raise DatasetError("dataset_unreadable", path=path, reason=error.strerror) from error


class ContentGuard:
    """Detects, at the cost of a `stat`, that the content of a file has changed since it was examined.

    Touching or linking a file changes its key but not its content; if the key has changed, the MD5 decides, provided it
    was cached.

    Args:
        path: the file.
        key: its `file_key` when it was examined.
    """

    def __init__(self, path: Path, key: FileKey) -> None:
        self._path = path
        self._key = key
        known = _recall(key)
        self._md5 = known.md5 if known else None

    def check(self) -> None:
        """Checks that the content is still the one that was examined.

        Raises:
            DatasetError: the file was replaced, rewritten or removed.
        """
        key = key_of_file(self._path)
        if key == self._key:
            return
        if self._md5 is None or md5_of_file(self._path) != self._md5:
            raise DatasetError("dataset_replaced", path=self._path)
        self._key = key


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise DatasetError("dataset_unreadable", path=path, reason=error.strerror) from error


def _sidecar(key: FileKey) -> Path:
    return cache_directory() / "md5" / f"{key[0]}-{key[1]}.json"


def _write_sidecar(key: FileKey, md5: str, valid: bool) -> None:
    with contextlib.suppress(OSError, GlintError):  # only a cache: without it, the file is hashed again
        sidecar = _sidecar(key)
        sidecar.parent.mkdir(mode=0o700, exist_ok=True)
        write_json(sidecar, {"key": key, "md5": md5, "valid": _RULES if valid else 0})
