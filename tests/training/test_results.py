"""The pictures of a run."""

import os
import signal

import numpy as np
import pytest
import torch
from PIL import Image

from glint_unet.compute.stop_signals import Interrupted
from glint_unet.data.sources import MemorySource
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.training_log import TrainingLogger
from glint_unet.training import results
from glint_unet.training.loop import train
from glint_unet.training.results import RunPictures
from glint_unet.training.run_data import examine, new_split, open_data
from glint_unet.training.state import new_state
from tests.run_files import log_of, rows, same, settings, weights

PICTURES = ("results.png", "predictions.png", "worst.png")


def pixels(run):
    return [np.asarray(Image.open(run / name)) for name in PICTURES]


def test_the_pictures_show_the_best_weights_and_leave_the_networks_as_they_are(data, tmp_path):
    config = settings(data, tmp_path / "run")
    run = RunDirectory(train(config))
    before = pixels(run.path)
    for name in PICTURES:
        (run.path / name).unlink()
    info, _ = examine(config)
    state = new_state(config, info, torch.device("cpu"), new_split(config, info))
    state.best = Checkpoint.read(run.best).run_state().best
    random = {name: value.clone() for name, value in state.judged.state_dict().items()}
    source = open_data(config, info, torch.device("cpu"), 1)
    RunPictures(run, source, state, config, TrainingLogger(run.path)).finish()
    source.close()
    assert all(map(np.array_equal, pixels(run.path), before))
    assert same(dict(state.judged.state_dict()), random)


def test_pictures_that_cannot_be_written_do_not_stop_a_run(data, tmp_path, finished):
    run = tmp_path / "run"
    (run / "results.png").mkdir(parents=True)
    train(settings(data, run, epochs=4))
    assert "could not be drawn (training is not affected): " in log_of(run)
    assert same(weights(run / "latest_checkpoint.pth"), weights(finished / "latest_checkpoint.pth"))


def test_an_interrupted_run_has_pictures_of_what_it_has_reached(data, tmp_path, monkeypatch):
    run, gather = tmp_path / "run", MemorySource.gather
    calls = []

    def stopping(source, rows):
        calls.append(rows)
        if len(calls) == 6:  # in the second epoch
            os.kill(os.getpid(), signal.SIGTERM)
        return gather(source, rows)

    monkeypatch.setattr(MemorySource, "gather", stopping)
    with pytest.raises(Interrupted):
        train(settings(data, run, epochs=4))
    assert [row["epoch"] for row in rows(run)] == [1]
    assert all(picture.std() > 10 for picture in pixels(run))


def test_refreshing_while_training_changes_nothing_else(data, tmp_path, finished, monkeypatch):
    monkeypatch.setattr(results, "_LEAST_PAUSE_S", 0.0)
    monkeypatch.setattr(results, "_PAUSE_PER_COST", 0.0)
    drawn, draw = [], RunPictures.draw
    monkeypatch.setattr(RunPictures, "draw", lambda self: drawn.append(self) or draw(self))
    train(settings(data, tmp_path / "run", epochs=4))
    assert len(drawn) == 4
    assert rows(tmp_path / "run") == rows(finished)
    final = weights(tmp_path / "run" / "latest_checkpoint.pth")
    assert same(final, weights(finished / "latest_checkpoint.pth"))
