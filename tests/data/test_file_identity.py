import hashlib
import os
import shutil
import time

import pytest

from glint_unet.data import file_identity
from glint_unet.data.file_identity import md5_of_file
from glint_unet.errors import DatasetError


@pytest.fixture
def settled(tmp_path, monkeypatch):
    """A file whose ctime counts as old enough to be trusted at once."""
    monkeypatch.setattr(file_identity, "_SETTLED_NS", 0)
    path = tmp_path / "a.bin"
    path.write_bytes(b"first content")
    time.sleep(0.05)
    return path


def test_the_md5_is_that_of_the_content(tmp_path):
    path = tmp_path / "a.bin"
    path.write_bytes(b"x" * 3_000_000)
    assert md5_of_file(path) == hashlib.md5(b"x" * 3_000_000).hexdigest()


def test_a_remembered_md5_is_not_computed_again(settled, monkeypatch):
    first = md5_of_file(settled)
    monkeypatch.setattr(file_identity, "_hash", lambda path: pytest.fail("hashed again"))
    assert md5_of_file(settled) == first


def test_a_young_file_is_hashed_every_time(tmp_path, monkeypatch):
    path = tmp_path / "a.bin"
    path.write_bytes(b"young")
    md5_of_file(path)
    calls: list[object] = []
    monkeypatch.setattr(file_identity, "_hash", lambda path: calls.append(path) or "0" * 32)
    md5_of_file(path)
    assert calls


def rewrite_in_place(path):
    path.write_bytes(b"other content")


def replace_by_a_copy_that_keeps_its_times(path):
    other = path.with_name("other")
    other.write_bytes(b"other content")
    status = path.stat()
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    path.unlink()
    shutil.copy2(other, path)


def rewrite_and_set_the_old_times(path):
    status = path.stat()
    path.write_bytes(b"other content")
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


@pytest.mark.parametrize(
    "change", [rewrite_in_place, replace_by_a_copy_that_keeps_its_times, rewrite_and_set_the_old_times]
)
def test_a_changed_file_is_never_taken_for_the_old_one(settled, change):
    first = md5_of_file(settled)
    change(settled)
    assert md5_of_file(settled) == hashlib.md5(b"other content").hexdigest() != first


def test_a_damaged_sidecar_is_made_again(settled, home):
    first = md5_of_file(settled)
    for sidecar in (home / ".cache" / "glint_unet" / "md5").iterdir():
        sidecar.write_text("{")
    assert md5_of_file(settled) == first


def test_a_file_that_keeps_changing_is_refused(settled, monkeypatch):
    times = iter(range(100))
    monkeypatch.setattr(file_identity, "file_key", lambda status: (0, 0, 0, 0, next(times)))
    with pytest.raises(DatasetError, match="keeps changing"):
        md5_of_file(settled)
