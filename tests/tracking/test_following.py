"""Sending a run's files to trackers; TensorBoard's event files are read back."""

import json

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import RunStatus
from glint_unet.tracking.following import run_is_over, scalars_of, track
from tests.run_files import small_files

FILES = ("training_args.json", "metrics.json", "status.json", "results.png", "predictions.png", "worst.png")


@pytest.fixture
def copied(finished, tmp_path):
    """The small files of a finished run."""
    return small_files(finished, tmp_path / "run", FILES)


def read_back(run):
    events = EventAccumulator(str(run / "tensorboard"))
    events.Reload()
    return events


def now():
    return True


def test_all_scalars_and_the_pictures_are_read_back_from_tensorboard(copied):
    assert track(copied, ["tensorboard"], now) == {}
    events = read_back(copied)
    rows = json.loads((copied / "metrics.json").read_text())
    assert set(events.Tags()["scalars"]) >= {"train/total", "val/f1", "val/px_median", "lr", "epoch_s", "images_per_s"}
    for name in ("val/total", "val/f1", "train/votes"):
        part, _, metric = name.partition("/")
        sent = [(event.step, event.value) for event in events.Scalars(name)]
        assert sent == [(row["epoch"], pytest.approx(row[part][metric])) for row in rows]
    assert sorted(events.Tags()["images"]) == ["predictions", "results", "worst"]
    assert b"base_channels" in events.Tensors("settings/text_summary")[0].tensor_proto.string_val[0]


def test_only_new_epochs_are_sent_and_those_of_a_resume_replace_the_old(copied):
    metrics = copied / "metrics.json"
    rows = json.loads(metrics.read_text())
    for kept in ([1, 2], [1, 2, 3], [1], [1, 2]):  # the run was resumed from epoch 1
        changed = [row | {"lr": len(kept)} for row in rows if row["epoch"] in kept]
        metrics.write_text(json.dumps(changed))
        assert track(copied, ["tensorboard"], now) == {}
    sent = {event.step: event.value for event in read_back(copied).Scalars("lr")}
    assert sent == {1: 2.0, 2: 2.0}


def test_a_tracker_that_fails_is_tried_again(copied):
    (copied / "tensorboard").write_text("a file where a directory should be")
    (error,) = track(copied, ["tensorboard"], now).values()
    assert "tensorboard" in error
    assert json.loads((copied / "tracking.json").read_text())["tensorboard"]["error"] == error
    (copied / "tensorboard").unlink()
    assert track(copied, ["tensorboard"], now) == {}
    assert json.loads((copied / "tracking.json").read_text())["tensorboard"]["error"] == ""
    assert len(read_back(copied).Scalars("val/total")) == 4


def test_undefined_values_are_left_out():
    row = {"train": {"total": 1, "f1": None}, "val": "damaged", "lr": float("nan"), "timing": {"images_per_s": 2}}
    assert scalars_of(row) == {"train/total": 1.0, "images_per_s": 2.0}


def test_a_run_is_over_when_it_says_so_or_its_process_is_gone(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with run.locked():
        run.log.touch()
        RunStatus("running", 0, 1).write(run)
        assert not run_is_over(run.path)
        RunStatus("finished", 1, 1).write(run)
        assert run_is_over(run.path)
        RunStatus("running", 0, 1).write(run)
    assert run_is_over(run.path)
