"""Trackers beside a training, and one whose server does not answer."""

import signal
import socket
import subprocess

import pytest

from glint_unet.errors import MissingPackageError, SettingError
from glint_unet.own_command import train_command
from glint_unet.runs.json_file import as_dict, read_json
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.tracking import tracker_process
from glint_unet.tracking.following import track
from glint_unet.tracking.tracker_process import TrackerProcess, tracker_names
from glint_unet.training.loop import train
from tests.run_files import log_of, rows, settings
from tests.waiting import wait_until


def test_names_are_checked_before_anything_is_written(data, tmp_path, monkeypatch):
    assert tracker_names("") == []
    assert tracker_names(" tensorboard,wandb,tensorboard ") == ["tensorboard", "wandb"]
    with pytest.raises(SettingError, match="'tensorbord'"):
        train(settings(data, tmp_path / "run", tracker="tensorbord"))
    monkeypatch.setattr(tracker_process, "find_spec", lambda name: None)
    with pytest.raises(MissingPackageError, match=r"\[tracking\]"):
        train(settings(data, tmp_path / "run", tracker="wandb"))
    assert not (tmp_path / "run").exists()


def test_without_trackers_there_is_no_process(tmp_path):
    process = TrackerProcess(RunDirectory(tmp_path), [])
    assert process.start() == process.new_errors() == process.finish() == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_a_server_that_does_not_answer_neither_stops_the_run_nor_the_other_trackers(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    flags = ["--h5", data, "--output_dir", run, "--epochs", 5000, "--tracker", "tensorboard,mlflow", "--lang", "en"]
    small = ["--base_channels", 2, "--device", "cpu", "--threads", 1, "--save_freq", 0]
    with socket.create_server(("127.0.0.1", 0)) as server:  # takes connections, and never says a word
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{server.getsockname()[1]}")
        words = train_command(list(map(str, [*flags, *small])))
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: sent(run, "tensorboard") > 1, process)
            process.send_signal(signal.SIGTERM)
            assert process.wait() == 128 + signal.SIGTERM
        finally:
            process.kill()
            process.wait()
    assert sent(run, "mlflow") == 0
    assert "Trackers: tensorboard, mlflow" in log_of(run)
    assert f"glint-unet track {run} --tracker tensorboard,mlflow" in log_of(run)
    assert track(run, ["tensorboard"], lambda: True) == {}
    assert sent(run, "tensorboard") == rows(run)[-1]["epoch"]


def sent(run, name):
    return (as_dict(read_json(run / "tracking.json")).get(name) or {"epoch": 0})["epoch"]
