"""status.json during and after a run."""

import json
import os
import signal

import pytest

from glint_unet.compute.stop_signals import Interrupted
from glint_unet.errors import NonFiniteLossError
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import RunStatus
from glint_unet.training import heartbeat, loop
from glint_unet.training.loop import train
from glint_unet.training.step import train_step
from tests.run_files import settings


def status_of(run):
    status = RunStatus.read(RunDirectory(run))
    assert status is not None
    return status


def test_a_finished_run_says_so_with_its_best_epoch(finished):
    status = status_of(finished)
    assert (status.state, status.epoch, status.epochs, status.remaining_s) == ("finished", 4, 4, None)
    rows = json.loads((finished / "metrics.json").read_text())
    best = min(rows, key=lambda row: row["val"]["total"])
    assert status.best == {"epoch": best["epoch"]} | {name: best["val"][name] for name in ("total", "f1", "px_median")}


def test_a_run_beats_while_it_trains_and_says_which_signal_stopped_it(data, tmp_path, monkeypatch):
    seen = []

    def step(*arguments):
        seen.append(status_of(tmp_path / "run"))
        if len(seen) == 5:
            os.kill(os.getpid(), signal.SIGTERM)
        return train_step(*arguments)

    monkeypatch.setattr(loop, "train_step", step)
    monkeypatch.setattr(heartbeat, "BEAT_S", 0.0)
    with pytest.raises(Interrupted):
        train(settings(data, tmp_path / "run", epochs=2, batch=6))
    assert {status.state for status in seen} == {"running"}
    assert [(status.epoch, status.step, status.steps) for status in seen] == [
        (0, 0, 3),
        (0, 1, 3),
        (0, 2, 3),
        (1, 0, 3),
        (1, 1, 3),
    ]
    assert seen[2].remaining_s is not None
    status = status_of(tmp_path / "run")
    assert (status.state, status.reason, status.epoch, status.step) == ("interrupted", "SIGTERM", 1, 2)


def test_a_run_that_fails_says_why(data, tmp_path, monkeypatch):
    monkeypatch.setattr(loop, "train_step", lambda *arguments: train_step(*arguments) * float("nan"))
    with pytest.raises(NonFiniteLossError):
        train(settings(data, tmp_path / "run"))
    status = status_of(tmp_path / "run")
    assert status.state == "failed"
    assert "NaN" in status.reason


def test_a_status_that_cannot_be_written_does_not_stop_the_run(data, tmp_path):
    (tmp_path / "run" / "status.json").mkdir(parents=True)
    train(settings(data, tmp_path / "run", epochs=1))
    assert "Training finished" in (tmp_path / "run" / "training.log").read_text()
