"""The short form of `make torture`, and `verify-resume`."""

import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent

TOGETHER = [
    "kills:0.01,exact:0.04",
    "io:0.03",
    "power:0.05,terms:0.04,cache:0.03",
    "walls:1,h5:0.002,checkpoints:0.04",
]


@pytest.mark.parametrize("trials", TOGETHER)
def test_torture_in_short(trials):
    words = [sys.executable, str(ROOT / "benchmarks" / "torture.py"), "--only", trials]
    ended = subprocess.run(words, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("\n|") == 3 + trials.count(",")


@pytest.mark.slow
def test_torture_in_full():
    words = [sys.executable, str(ROOT / "benchmarks" / "torture.py")]
    assert subprocess.run(words, check=False).returncode == 0


def test_verify_resume_proves_it_and_can_fail(data, command, tmp_path, monkeypatch):
    small = ["--", "--base_channels", 2, "--device", "cpu", "--loss", "dice"]
    arguments = ["verify-resume", "--h5", data, "--epochs", 2, "--kills", 1, "--lang", "en"]
    status, out, err = command(*arguments, "--work_dir", tmp_path / "work", *small)
    assert (status, err) == (0, "")
    assert re.search(r"Identical: the run that was killed [01] times", out)
    status, _, err = command(*arguments, "--work_dir", tmp_path / "work", *small)
    assert status == 2
    assert "not empty" in err
    monkeypatch.setattr("glint_unet.training.verify_resume._OF_ONE_RUN", ())  # then the two runs do differ
    status, out, _ = command(*arguments, *small)
    assert status == 1
    assert "Different" in out
    assert "save_every_minutes" in out


@pytest.mark.parametrize(
    ("argv", "fragment"),
    [
        ([], "--h5 is missing"),
        (["--h5", "a.h5", "--kills", "0"], "1 to 1000"),
        (["--h5", "a.h5", "--", "--resume", "x"], "--resume"),
        (["--h5", "none.h5"], "No such data set file"),
    ],
)
def test_verify_resume_refuses_in_one_line(command, argv, fragment):
    status, _, err = command("verify-resume", "--lang", "en", *argv)
    assert status == 2
    assert err.count("\n") == 1
    assert fragment in err


def test_a_packer_killed_at_any_instant_leaves_the_old_file(tmp_path):
    path = tmp_path / "a.h5"
    path.write_bytes(b"earlier")
    words = [sys.executable, "-m", "glint_unet", "synth", str(path), "--num", "4000", "--size", "64", "--overwrite"]
    for delay in (0.0, 0.2, 0.5):
        process = subprocess.Popen(words, cwd=ROOT)
        wait_until(lambda: list(tmp_path.glob(".a.h5.*.tmp")), process)
        time.sleep(delay)
        process.kill()
        process.wait()
        assert path.read_bytes() == b"earlier"
        for leftover in tmp_path.glob(".a.h5.*.tmp"):
            leftover.unlink()


HOLD = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('held', flush=True); sys.stdin.read()"


def test_a_file_that_a_writer_holds_is_reported_as_such(command, private_data):
    words, pipe = [sys.executable, "-c", HOLD, private_data], subprocess.PIPE
    with subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) as writer:
        assert writer.stdout.readline() == "held\n"
        status, _, err = command("check", private_data, "--lang", "en")
        writer.kill()
    assert status == 2
    assert "being written by another process" in err
