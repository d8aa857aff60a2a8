"""Which content a file has: its MD5, remembered for as long as the file is provably the same.

Reading 1 GiB to hash it takes seconds, so the MD5 is kept in a private sidecar keyed by (device, inode, size, mtime,
ctime). ctime is what makes that safe: `cp -p`, `rsync -t` and `utime` restore mtime but not ctime. A ctime so young
that a second write could still carry the same stamp is not trusted (the racy-git rule).
"""

import contextlib
import hashlib
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from glint_unet.errors import DatasetError, GlintError
from glint_unet.files import write_json

FileKey = tuple[int, int, int, int, int]

_SETTLED_NS = 2_000_000_000
_TRIES = 3


def cache_directory() -> Path:
    """The user's private directory for what can be made again; made on first use with mode 0700."""
    directory = Path.home() / ".cache" / "glint_unet"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def file_key(status: os.stat_result) -> FileKey:
    """What changes whenever a file's content can have changed: (device, inode, size, mtime_ns, ctime_ns)."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


@dataclass(frozen=True)
class KnownFile:
    """What is remembered of a file's content.

    Attributes:
        md5: 32 hexadecimal digits.
        valid: it was read as a data set from end to end, and every value was good.
    """

    md5: str
    valid: bool


def md5_of_file(path: Path) -> str:
    """MD5 of the file's content, 32 hexadecimal digits; from the sidecar where that is safe.

    Raises:
        DatasetError: the file is missing, unreadable, or keeps changing while it is read.
    """
    known = recall(path)
    return known.md5 if known else remember(path, valid=False).md5


def recall(path: Path) -> KnownFile | None:
    """What is known of the file, if its content is provably still the same.

    Raises:
        DatasetError: the file is missing or unreadable.
    """
    key = key_of_file(path)
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        sidecar = json.loads(_sidecar(key).read_text())
        if tuple(sidecar["key"]) == key and len(sidecar["md5"]) == 32:
            return KnownFile(str(sidecar["md5"]), sidecar["valid"] is True)
    return None


def remember(path: Path, *, valid: bool) -> KnownFile:
    """Hashes the file and remembers it for as long as it provably stays the same; raises as `md5_of_file` does."""
    for _ in range(_TRIES):
        key, started_ns = key_of_file(path), time.time_ns()
        md5 = _hash(path)
        if key_of_file(path) == key:
            if started_ns - key[4] > _SETTLED_NS:
                _write_sidecar(key, md5, valid)
            return KnownFile(md5, valid)
    raise DatasetError("dataset_changing", path=path)


def key_of_file(path: Path) -> FileKey:
    """`file_key` of a data set file; raises DatasetError where it is missing or unreadable."""
    try:
        return file_key(path.stat())
    except FileNotFoundError as error:
        raise DatasetError("dataset_missing_file", path=path) from error
    except OSError as error:
        raise DatasetError("dataset_unreadable", path=path, reason=error.strerror) from error


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise DatasetError("dataset_unreadable", path=path, reason=error.strerror) from error


def _sidecar(key: FileKey) -> Path:
    return cache_directory() / "md5" / f"{key[0]}-{key[1]}.json"


def _write_sidecar(key: FileKey, md5: str, valid: bool) -> None:
    with contextlib.suppress(OSError, GlintError):  # only saves time: a home that cannot be written costs a new hash
        sidecar = _sidecar(key)
        sidecar.parent.mkdir(mode=0o700, exist_ok=True)
        write_json(sidecar, {"key": key, "md5": md5, "valid": valid})
