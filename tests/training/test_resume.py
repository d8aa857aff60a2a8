"""A resume from whatever a user, a kill or a damaged disk left."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from glint_unet.config import TrainConfig
from glint_unet.errors import CheckpointError, ResumeError
from glint_unet.runs.checkpoint_file import read_checkpoint, write_checkpoint
from glint_unet.training import loop
from glint_unet.training.loop import train
from glint_unet.training.step import train_step
from tests.run_files import contents, log_of, resumed, rows, same, settings, weights

WORSE: dict[str, Any] = {"lr": 9.9, "warmup_steps": 0, "allow_changed": "lr,warmup_steps"}
"""Changes after which no epoch is better than those before."""


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """A run of four epochs that nothing interrupted, each better than the one before; not to be written to."""
    run = tmp_path_factory.mktemp("finished") / "run"
    train(settings(data, run, epochs=4, keep_last_n=9))
    assert read_checkpoint(run / "best_model.pth")["epoch"] == 4
    return run


def test_a_branch_of_an_older_epoch_does_not_take_a_later_best_along(finished, tmp_path):
    run = tmp_path / "branch"
    train(
        resumed(
            finished / "checkpoints/checkpoint_epoch_002.pth",
            output_dir=str(run),
            epochs=3,
            lr=1e-9,
            allow_changed="lr",
        )
    )
    best = read_checkpoint(run / "best_model.pth")
    assert best["epoch"] <= 3
    assert json.dumps(best["best"]["total"]) in json.dumps([row["val"]["total"] for row in rows(run)])


def test_the_best_epoch_of_a_branch_is_taken_along_with_its_weights(finished, tmp_path):
    run = tmp_path / "branch"
    train(resumed(finished / "checkpoints/checkpoint_epoch_002.pth", output_dir=str(run), epochs=3, **WORSE))
    best, at_two = (
        read_checkpoint(run / "best_model.pth"),
        read_checkpoint(finished / "checkpoints/checkpoint_epoch_002.pth"),
    )
    assert best["epoch"] == 2
    assert same(best["ema_state_dict"], at_two["ema_state_dict"])
    assert same(torch.load(run / "best_model_weights.pt"), at_two["ema_state_dict"])


def test_a_latest_checkpoint_alone_can_be_resumed_in_a_new_directory(finished, tmp_path):
    run = tmp_path / "moved"
    run.mkdir()
    shutil.copy(finished / "latest_checkpoint.pth", run)
    train(resumed(run, epochs=5, **WORSE))
    assert (run / "predictions.png").exists()
    assert read_checkpoint(run / "best_model.pth")["epoch"] in (4, 5)
    assert (run / "best_model_weights.pt").exists()


def test_a_latest_checkpoint_of_the_middle_of_an_epoch_can_be_resumed_alone(finished, data, tmp_path, monkeypatch):
    run, moved = tmp_path / "run", tmp_path / "moved"
    train(settings(data, run, epochs=1))
    saved = []

    def stopping(state, *arguments):
        terms = train_step(state, *arguments)
        if state.progress.batches_done == 1:
            saved.append(state)
            raise KeyboardInterrupt
        return terms

    monkeypatch.setattr(loop, "train_step", stopping)
    with pytest.raises(KeyboardInterrupt):
        train(resumed(run, epochs=2, save_every_minutes=1e-9))
    monkeypatch.undo()
    moved.mkdir()
    shutil.copy(run / "latest_checkpoint.pth", moved)
    assert read_checkpoint(moved / "latest_checkpoint.pth")["progress"]["batches_done"] == 1
    train(resumed(moved, epochs=2, save_every_minutes=10, **WORSE))
    assert read_checkpoint(moved / "best_model.pth")["epoch"] == 2


@pytest.mark.parametrize("how", ["flipped", "cut", "empty"])
def test_a_damaged_best_model_does_not_stop_a_resume_and_is_kept(finished, tmp_path, how):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    content = bytearray((run / "best_model.pth").read_bytes())
    content[len(content) // 2] ^= 255
    damaged = {"flipped": bytes(content), "cut": bytes(content[:1000]), "empty": b""}[how]
    (run / "best_model.pth").write_bytes(damaged)
    train(resumed(run, epochs=5, lr=1e-9, allow_changed="lr"))
    assert "damaged" in log_of(run)
    assert [row["epoch"] for row in rows(run)] == [1, 2, 3, 4, 5]
    assert read_checkpoint(run / "best_model.pth")["epoch"] in (4, 5)
    assert (run / "superseded/damaged_best/best_model.pth").read_bytes() == damaged
    assert (run / "superseded/damaged_best/best_model_weights.pt").exists()


def test_nothing_to_do_changes_nothing(finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    before = contents(run)
    for checkpoint in ("checkpoints/checkpoint_epoch_001.pth", "latest_checkpoint.pth"):
        train(resumed(run / checkpoint, epochs=1))
    after = contents(run)
    assert {Path(name).name for name in after if after[name] != before.get(name)} == {"training.log"}
    assert before.keys() == after.keys()
    assert "larger --epochs" in log_of(run)


def test_nothing_to_do_makes_no_other_directory(finished, tmp_path):
    before = contents(finished)
    train(resumed(finished / "checkpoints/checkpoint_epoch_001.pth", epochs=1, output_dir=str(tmp_path / "branch")))
    assert not (tmp_path / "branch").exists()
    assert contents(finished) == before


def test_a_resume_inside_the_directory_of_numbered_checkpoints_goes_on_with_the_run(finished, tmp_path, monkeypatch):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    monkeypatch.chdir(run / "checkpoints")
    train(resumed(Path("checkpoint_epoch_002.pth"), epochs=3))
    assert sorted(path.suffix for path in (run / "checkpoints").iterdir()) == [".pth"] * 3
    assert [row["epoch"] for row in rows(run)] == [1, 2, 3]


def fewer_images(data, path, num):
    with h5py.File(data) as whole, h5py.File(path, "w") as part:
        for name in whole:
            part[name] = whole[name][:num]
        part.attrs.update(whole.attrs)
    return path


def test_a_data_set_with_fewer_images_than_the_split_is_refused(finished, data, tmp_path):
    before = contents(finished)
    with pytest.raises(ResumeError, match=r"12 images.*20"):
        train(resumed(finished, epochs=5, h5=str(fewer_images(data, tmp_path / "few.h5", 12)), allow_changed="h5"))
    assert contents(finished) == before


def test_a_setting_that_a_resume_cannot_change_is_said_to_have_no_effect_and_keeps_its_value(finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    train(resumed(run, epochs=5, val_split=0.4, init=str(finished), allow_changed="val_split,init"))
    log = log_of(run)
    assert "--val_split 0.1 -> 0.4 has no effect" in log
    assert "--init None ->" in log
    assert "Setting changed: --val_split" not in log
    kept = json.loads((run / "training_args.json").read_text())
    assert kept["val_split"] == 0.1
    assert kept["init"] is None
    assert (run / "split.json").read_bytes() == (finished / "split.json").read_bytes()


@pytest.mark.parametrize("metric", ["f1", "px_error"])
def test_a_changed_best_metric_compares_epochs_in_one_unit(data, tmp_path, metric):
    run = tmp_path / "run"
    train(settings(data, run, epochs=2, best_metric=metric))
    train(resumed(run, epochs=4, best_metric="total", allow_changed="best_metric"))
    latest = read_checkpoint(run / "latest_checkpoint.pth")
    totals = [row["val"]["total"] for row in rows(run)]
    assert min(totals) == totals[3]
    assert latest["best"] == {"epoch": 4, "total": totals[3], "rank": totals[3]}
    assert read_checkpoint(run / "best_model.pth")["epoch"] == 4


def test_a_rollback_without_stored_moments_begins_with_new_ones(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    moments: list[bool] = []

    def breaking(state, *arguments):
        moments.extend(bool(torch.isfinite(m["exp_avg"]).all()) for m in state.optimizer.state.values())
        terms = train_step(state, *arguments)
        if state.rollbacks == 0 and state.steps == 4:
            for moment in state.optimizer.state.values():
                moment["exp_avg"].fill_(torch.nan)
            return terms * torch.nan
        return terms

    monkeypatch.setattr(loop, "train_step", breaking)
    train(settings(data, run, epochs=3, on_nan="rollback", no_save_optimizer=True))
    assert all(moments)
    assert torch.isfinite(weights(run / "latest_checkpoint.pth")["stem.0.0.weight"]).all()
    assert "optimizer starts anew" in log_of(run)


@pytest.mark.parametrize("dropped", ["split", "dataset", "best", "history", "steps"])
def test_a_checkpoint_without_a_part_of_the_state_is_refused(finished, data, tmp_path, dropped):
    content = read_checkpoint(finished / "latest_checkpoint.pth")
    del content[dropped]
    write_checkpoint(tmp_path / "part.pth", content)
    with pytest.raises(CheckpointError, match=dropped):
        train(dataclasses.replace(settings(data, tmp_path / "run"), resume=str(tmp_path / "part.pth")))


def test_numbers_of_numpy_in_the_settings_are_stored_as_plain_ones(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, lr=np.logspace(-3, -2, 2)[0], epochs=np.int64(1), seed=np.uint32(3)))
    train(resumed(run, epochs=2))
    assert isinstance(read_checkpoint(run / "latest_checkpoint.pth")["train_args"]["lr"], float)
    assert TrainConfig.from_dict(json.loads((run / "training_args.json").read_text())).seed == 3
