import os
import resource
import signal
import subprocess
import sys

import pytest

from glint_unet.errors import RunDirectoryError, SpaceError
from glint_unet.files import FileLock, check_writable, sweep_temporaries, whole_file, write_bytes, write_json
from tests.waiting import wait_until


def names(directory):
    return sorted(path.name for path in directory.iterdir())


def test_a_file_appears_whole_or_not_at_all(tmp_path):
    path = tmp_path / "a"
    write_bytes(path, b"one")

    def write_half():
        with whole_file(path) as temporary:
            temporary.write_bytes(b"tw")
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        write_half()
    assert path.read_bytes() == b"one"
    assert names(tmp_path) == ["a"]


def test_a_file_that_fails_its_check_does_not_replace_the_good_one(tmp_path):
    path = tmp_path / "a"
    write_bytes(path, b"good")

    def refuse(temporary):
        raise ValueError("bad")

    with pytest.raises(ValueError, match="bad"):
        write_bytes(path, b"bad", check=refuse)
    assert path.read_bytes() == b"good"


def test_json_holds_no_nan_and_turns_other_objects_into_text(tmp_path):
    write_json(tmp_path / "a.json", {"path": tmp_path})
    assert str(tmp_path) in (tmp_path / "a.json").read_text()
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_json(tmp_path / "a.json", {"loss": float("nan")})
    assert str(tmp_path) in (tmp_path / "a.json").read_text()


def test_a_full_disk_is_reported_and_the_old_file_stays(tmp_path, monkeypatch):
    path = tmp_path / "a"
    write_bytes(path, b"old")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(SpaceError, match="MB free"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["a"]


def test_a_directory_that_is_not_there_cannot_be_written(tmp_path):
    with pytest.raises(RunDirectoryError, match="cannot be written"):
        check_writable(tmp_path / "none")


def test_sweeping_takes_only_temporaries(tmp_path):
    for name in (".a.12.tmp", "a.tmp", ".hidden"):
        (tmp_path / name).touch()
    sweep_temporaries(tmp_path)
    assert names(tmp_path) == [".hidden", "a.tmp"]


HOLD = """
import sys
from pathlib import Path
from glint_unet.files import FileLock
lock = FileLock(Path(sys.argv[1]), create=True)
print(lock.acquire(wait=False), flush=True)
lock.describe_holder()
sys.stdin.read()
"""


def test_a_lock_keeps_other_processes_out_until_its_holder_dies(tmp_path):
    path = tmp_path / "lock"
    words, pipe = [sys.executable, "-c", HOLD, path], subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as holder:
        assert holder.stdout.readline() == "True\n"
        lock = FileLock(path, create=True)
        assert not lock.acquire(wait=False)
        wait_until(lambda: lock.holder()[0] != "?", holder)
        assert lock.holder()[0] == str(holder.pid)
        holder.kill()
        holder.wait()
        assert lock.acquire(wait=False)
        lock.release()
        lock.release()


def test_a_forked_child_does_not_keep_its_parents_lock(tmp_path):
    held = FileLock(tmp_path / "lock", create=True)
    assert held.acquire(wait=False)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"x")  # what runs at a fork has run
        signal.pause()
    try:
        os.read(reader, 1)
        held.release()
        other = FileLock(tmp_path / "lock")
        assert other.acquire(wait=False)
        other.release()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reader)
        os.close(writer)


def test_a_file_size_limit_is_reported_as_an_error_not_as_a_signal(tmp_path):
    def limited():
        hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))

    program = (
        "import sys; from pathlib import Path; from glint_unet.files import write_bytes\n"
        "try: write_bytes(Path(sys.argv[1]), bytes(5000))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    words = [sys.executable, "-c", program, tmp_path / "a"]
    ended = subprocess.run(words, preexec_fn=limited, capture_output=True, text=True, check=True)
    assert ended.stdout == "RunDirectoryError\n"
    assert names(tmp_path) == []
