import hashlib
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from glint_unet.data import file_identity
from glint_unet.data.file_identity import cache_directory, md5_of_file
from glint_unet.errors import DatasetError

ROOT = Path(__file__).resolve().parent.parent.parent


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


@pytest.fixture
def nobody_home(monkeypatch, tmp_path):
    """A process whose user has neither HOME nor a passwd entry, as in many containers; its temporary directory."""
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", lambda uid: (_ for _ in ()).throw(KeyError(uid)))
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    return temporary


def test_without_a_home_the_cache_directory_is_a_private_one_among_the_temporary_files(nobody_home):
    directory = cache_directory()
    assert directory.parent == nobody_home
    assert oct(directory.stat().st_mode)[-3:] == "700"
    assert cache_directory() == directory


def test_a_home_that_cannot_be_written_is_like_none(nobody_home, monkeypatch):
    monkeypatch.setenv("HOME", "/proc")
    assert cache_directory().parent == nobody_home


def plant_open_directory(path):
    path.mkdir()
    path.chmod(0o777)


def plant_link(path):
    (path.parent / "elsewhere").mkdir(mode=0o700)
    path.symlink_to(path.parent / "elsewhere")


@pytest.mark.parametrize("plant", [plant_open_directory, plant_link, Path.touch])
def test_what_somebody_else_planted_among_the_temporary_files_is_never_used(nobody_home, settled, plant):
    plant(nobody_home / f"glint_unet-{os.getuid()}")
    with pytest.raises(OSError, match="glint_unet"):
        cache_directory()
    assert md5_of_file(settled) == hashlib.md5(b"first content").hexdigest()  # without the sidecar
    assert not list(nobody_home.rglob("*.json"))


def test_train_check_and_shm_work_for_a_user_without_home_or_passwd_entry(data, tmp_path):
    (tmp_path / "sitecustomize.py").write_text(
        "import pwd\ndef nobody(uid): raise KeyError(uid)\npwd.getpwuid = nobody\n"
    )
    (tmp_path / "tmp").mkdir()
    search = os.pathsep.join([str(tmp_path), str(ROOT)])
    env = {"PATH": os.environ["PATH"], "PYTHONPATH": search, "TMPDIR": str(tmp_path / "tmp"), "OMP_NUM_THREADS": "1"}
    small = ["--h5", data, "--base_channels", "2", "--epochs", "1", "--output_dir", "run"]
    train = ["train", *small, "--shared_memory"]
    for words in (["check", data], train, ["shm", "--list"], ["shm", "--cleanup", "--h5", data]):
        command = [sys.executable, "-m", "glint_unet", *map(str, words)]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=tmp_path, env=env)
        assert ended.returncode == 0, ended.stderr
        assert "Traceback" not in ended.stderr
    assert (tmp_path / "run" / "best_model.pth").is_file()
    assert list((tmp_path / "tmp" / f"glint_unet-{os.getuid()}" / "md5").iterdir())
