"""What is known of a run from its directory, whatever is in it."""

import json
import os
import signal
import subprocess
import time

import pytest

from glint_unet.experiments.run_info import known_settings, read_run
from glint_unet.own_command import train_command
from glint_unet.runs.run_directory import RunDirectory
from tests.run_files import small_files
from tests.waiting import wait_until

FILES = ("training_args.json", "metrics.json", "status.json", "provenance.json", "dataset.json", "split.json")


@pytest.fixture
def copied(finished, tmp_path):
    """The small files of a finished run."""
    return small_files(finished, tmp_path / "run", FILES)


def test_a_finished_run_is_read(finished, data):
    run = read_run(finished)
    assert (run.state, run.epoch, run.epochs, run.dataset) == ("finished", 4, 4, str(data))
    assert run.device.startswith("cpu")
    assert run.best_row["val"]["total"] == run.best["total"] == min(row["val"]["total"] for row in run.rows)
    assert run.started == pytest.approx(time.time(), abs=3600)
    assert known_settings(run.settings).base_channels == 2
    assert not run.is_resumable


def test_a_run_is_running_while_its_process_lives_and_crashed_after_it_is_killed(data, tmp_path):
    run = tmp_path / "run"
    flags = [
        "--h5",
        data,
        "--output_dir",
        run,
        "--epochs",
        1000,
        "--base_channels",
        2,
        "--device",
        "cpu",
        "--lang",
        "en",
    ]
    process = subprocess.Popen(train_command(list(map(str, flags))), stdout=subprocess.DEVNULL)
    try:
        wait_until((run / "best_model.pth").exists, process)
        assert read_run(run).state == "running"
        process.send_signal(signal.SIGKILL)
        process.wait()
    finally:
        process.kill()
    crashed = read_run(run)
    assert crashed.state == "crashed"
    assert crashed.is_resumable
    assert crashed.starts[0]["command"].endswith("--lang en")
    assert crashed.starts[0]["pid"] == process.pid


@pytest.mark.parametrize(("silent_s", "state"), [(0, "running"), (10_000, "crashed")])
def test_a_run_of_another_machine_is_judged_by_its_last_sign(copied, silent_s, state):
    status = json.loads((copied / "status.json").read_text())
    status |= {"state": "running", "host": "another", "updated": time.time() - silent_s}
    (copied / "status.json").write_text(json.dumps(status))
    assert read_run(copied).state == state


def test_a_run_without_status_is_judged_by_its_epochs(copied):
    expected = read_run(copied)
    for name in ("status.json", "provenance.json"):
        (copied / name).unlink()
    run = read_run(copied)
    assert (run.state, run.epoch, run.best, run.device) == ("finished", 4, expected.best, "")
    metrics = json.loads((copied / "metrics.json").read_text())
    (copied / "metrics.json").write_text(json.dumps(metrics[:2]))
    assert (read_run(copied).state, read_run(copied).epoch) == ("interrupted", 2)


CONTENTS = [b"", b"{", b"[]", b"{}", b"null", b"[1, {}]", b'{"a": ' * 50_000, b"\xff\x00"]


@pytest.mark.parametrize("name", FILES)
def test_no_damaged_file_stops_the_reading(copied, name):
    for content in CONTENTS:
        (copied / name).write_bytes(content)
        run = read_run(copied)
        assert run.state == "finished"
        assert run.dataset_record is not None
        assert run.rows is not None
    (copied / name).unlink()
    os.mkfifo(copied / name)
    assert read_run(copied).state == "finished"


def test_values_of_wrong_types_are_unknown(copied):
    status = json.loads((copied / "status.json").read_text()) | {"best": {"epoch": "x", "f1": [1]}, "host": 5}
    (copied / "status.json").write_text(json.dumps(status))
    (copied / "training_args.json").write_text('{"h5": 3, "epochs": [], "lr": {}}')
    (copied / "provenance.json").write_text('[{"time": 7, "device": {}}]')
    run = read_run(copied)
    assert (run.dataset, run.device, run.best["f1"], run.started) == ("", "", None, None)
    assert known_settings(run.settings) is None


def test_nothing_readable_is_damaged(tmp_path):
    (tmp_path / "training_args.json").write_text("{")
    assert read_run(tmp_path).state == "damaged"
    assert read_run(tmp_path / "missing").state == "damaged"


def test_asking_does_not_disturb_a_run_that_starts(tmp_path):
    """Each look holds the lock for an instant; a run that starts then waits instead of being refused."""
    run = RunDirectory(tmp_path / "run")
    with run.locked():
        assert run.is_locked()
        run.log.touch()
    looker = subprocess.Popen(
        [
            "python3",
            "-c",
            f"import fcntl\nf = open({str(run.path / '.run.lock')!r})\n"
            "while True:\n  fcntl.flock(f, fcntl.LOCK_SH); fcntl.flock(f, fcntl.LOCK_UN)",
        ]
    )
    try:
        for _ in range(50):
            with run.locked():
                pass
    finally:
        looker.kill()
        looker.wait()
    assert not run.is_locked()
