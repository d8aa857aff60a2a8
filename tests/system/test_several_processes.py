"""Data-parallel runs in real processes that are started, stopped and killed."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from tests.run_files import rows, same, weights
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = ["--arch", "unet", "--base_channels", "2", "--batch", "5", "--epochs", "3", "--cooldown", "0"]
SMALL += ["--device", "cpu", "--threads", "1", "--lang", "en", "--no_progress"]
TWO = ["--processes", "2"]


def line(*words):
    return [sys.executable, "train_glint_unet.py", *map(str, words)]


def ended(words, status=0):
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def last(run):
    return weights(run / "latest_checkpoint.pth")


def workers_of(process):
    """The processes that train, once there are two of them and the run has begun its first step."""
    parent = psutil.Process(process.pid)
    wait_until(lambda: len(parent.children()) == 2, process)
    return sorted(parent.children(), key=lambda child: int(child.environ()["RANK"]))


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    """Three epochs by two processes; not to be written to."""
    run = tmp_path_factory.mktemp("two") / "run"
    ended(line("--h5", data, "--output_dir", run, *SMALL, *TWO))
    return run


def test_two_processes_write_one_run_on_the_same_batches(undisturbed, data, command, tmp_path):
    log = (undisturbed / "training.log").read_text()
    assert log.count("Training starts") == 1
    assert "2 processes train together" in log
    assert [row["epoch"] for row in rows(undisturbed)] == [1, 2, 3]
    assert "shared memory" in log
    assert str(data) not in {copy.source for copy in SharedMemoryDatasetCache.list_copies()}  # gone with the run
    assert command("train", "--h5", data, "--output_dir", tmp_path / "one", *SMALL)[0] == 0
    one, two = (json.loads((run / "split.json").read_text()) for run in (tmp_path / "one", undisturbed))
    assert one == two
    # the same images in the same batches: the first epoch's loss differs only by the statistics of smaller shares
    one, two = (rows(run)[0]["train"]["total"] for run in (tmp_path / "one", undisturbed))
    assert one == pytest.approx(two, rel=0.25)


def test_what_two_began_one_goes_on_with_and_two_again(undisturbed, data, command, tmp_path):
    run = tmp_path / "run"
    ended(line("--h5", data, "--output_dir", run, *SMALL, "--epochs", 1, *TWO))
    assert command("train", "--resume", run, "--epochs", 2, "--processes", 1)[0] == 0
    ended(line("--resume", run, "--epochs", 3, "--processes", 2))
    assert [row["epoch"] for row in rows(run)] == [1, 2, 3]
    assert rows(run)[0] == rows(undisturbed)[0]


def test_torchrun_starts_the_same_run(undisturbed, data, tmp_path):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node", "2", "--standalone"]
    ended([*launcher, "train_glint_unet.py", "--h5", str(data), "--output_dir", str(tmp_path / "run"), *SMALL])
    assert same(last(tmp_path / "run"), last(undisturbed))


def test_a_stopped_group_saves_and_ends_as_if_never_stopped(undisturbed, data, tmp_path):
    run = tmp_path / "run"
    words = line("--h5", data, "--output_dir", run, *SMALL, *TWO)
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until((run / "latest_checkpoint.pth").exists, process)
    process.send_signal(signal.SIGTERM)
    _, stderr = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM, stderr
    assert "Traceback" not in stderr
    assert "SIGTERM" in (run / "training.log").read_text()
    ended(line("--resume", run))
    assert same(last(run), last(undisturbed))
    assert rows(run) == rows(undisturbed)


@pytest.mark.parametrize("rank", [0, 1])
def test_a_process_that_dies_ends_the_run_with_its_name(undisturbed, data, command, tmp_path, rank):
    run = tmp_path / "run"
    words = line("--h5", data, "--output_dir", run, *SMALL, "--epochs", 1000, *TWO)
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    wait_until((run / "best_model.pth").exists, process)
    workers = workers_of(process)
    workers[rank].kill()
    _, stderr = process.communicate()
    assert process.returncode == 2
    assert stderr.splitlines()[-1].startswith(f"Training process {rank} died (SIGKILL)")
    assert "Traceback" not in stderr
    assert not any(worker.is_running() for worker in workers)
    assert command("train", "--resume", run, "--epochs", len(rows(run)) + 1, "--processes", 1)[0] == 0


def test_a_mistake_is_reported_once(tmp_path):
    done = ended(line("--h5", tmp_path / "none.h5", *SMALL, *TWO), status=2)
    assert done.stderr.count("none.h5") == 1
    assert "Traceback" not in done.stderr


def test_a_loss_that_is_not_finite_is_reported_once(data, tmp_path):
    flags = [*SMALL, "--alpha", 1e39]
    done = ended(line("--h5", data, "--output_dir", tmp_path / "run", *flags, *TWO), status=2)
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert "NaN" in done.stderr
