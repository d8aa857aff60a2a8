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
from pathlib import Path
from typing import BinaryIO

from glint_unet.errors import DatasetError, GlintError
from glint_unet.files import write_json

FileKey = tuple[int, int, int, int, int]

_SETTLED_NS = 2_000_000_000
_READ_BYTES = 2**20
_TRIES = 3


def cache_directory() -> Path:
    """The user's private directory for what can be made again; made on first use with mode 0700."""
    directory = Path.home() / ".cache" / "glint_unet"
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    return directory


def file_key(status: os.stat_result) -> FileKey:
    """What changes whenever a file's content can have changed: (device, inode, size, mtime_ns, ctime_ns)."""
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def md5_of_file(path: Path) -> str:
    """MD5 of the file's content, 32 hexadecimal digits; from the sidecar where that is safe.

    Raises:
        DatasetError: the file is missing, unreadable, or keeps changing while it is read.
    """
    try:
        with path.open("rb") as stream:
            key = file_key(os.fstat(stream.fileno()))
            return _remembered(key) or _hash_and_remember(stream, path)
    except OSError as error:
        raise DatasetError("dataset_unreadable", path=path, reason=error.strerror or error) from error


def _hash_and_remember(stream: BinaryIO, path: Path) -> str:
    for _ in range(_TRIES):
        key = file_key(os.fstat(stream.fileno()))
        started_ns = time.time_ns()
        md5 = hashlib.md5(usedforsecurity=False)
        stream.seek(0)
        while block := stream.read(_READ_BYTES):
            md5.update(block)
        if file_key(os.fstat(stream.fileno())) == key:
            if started_ns - key[4] > _SETTLED_NS:
                _remember(key, md5.hexdigest())
            return md5.hexdigest()
    raise DatasetError("dataset_changing", path=path)


def _sidecar(key: FileKey) -> Path:
    return cache_directory() / "md5" / f"{key[0]}-{key[1]}.json"


def _remembered(key: FileKey) -> str | None:
    with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
        sidecar = json.loads(_sidecar(key).read_text())
        if tuple(sidecar["key"]) == key and len(sidecar["md5"]) == 32:
            return str(sidecar["md5"])
    return None


def _remember(key: FileKey, md5: str) -> None:
    with contextlib.suppress(OSError, GlintError):  # only saves time: a home that cannot be written costs a new hash
        sidecar = _sidecar(key)
        sidecar.parent.mkdir(mode=0o700, exist_ok=True)
        write_json(sidecar, {"key": key, "md5": md5})
