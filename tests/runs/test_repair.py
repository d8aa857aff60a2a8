"""The files of a run that a resume finds: kept, moved aside or replaced by what is good."""

import json
import shutil
from typing import Any

import pytest
import torch

from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.training import loop
from glint_unet.training.loop import train
from glint_unet.training.step import train_step
from tests.run_files import contents, log_of, resumed, rows, same, settings, weights

WORSE: dict[str, Any] = {"lr": 9.9, "warmup_steps": 0, "allow_changed": "lr,warmup_steps"}
"""Changes after which no epoch is better than those before."""


def test_resuming_from_an_older_checkpoint_moves_the_later_history_aside(finished, data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=4))
    before = rows(run)
    train(resumed(run / "checkpoints" / "checkpoint_epoch_002.pth"))
    assert rows(run) == before
    aside = run / "superseded" / "after_epoch_002"
    assert sorted(p.name for p in aside.iterdir()) == [
        "checkpoint_epoch_003.pth",
        "checkpoint_epoch_004.pth",
        "latest_checkpoint.pth",
        "metrics.json",
    ]
    assert same(weights(run / "best_model.pth"), weights(finished / "best_model.pth"))
    assert "was moved to" in (run / "training.log").read_text(encoding="utf-8")


def test_a_better_model_is_never_replaced_by_a_worse_one(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run))
    content = torch.load(run / "latest_checkpoint.pth")
    content["best"] = {"epoch": 1, "total": -1.0, "rank": -1.0}  # as if an earlier epoch had been unbeatable
    torch.save(content, run / "latest_checkpoint.pth")
    before = (run / "best_model.pth").read_bytes()
    train(resumed(run / "latest_checkpoint.pth", epochs=4))
    assert (run / "best_model.pth").read_bytes() == before
    assert read_checkpoint(run / "latest_checkpoint.pth")["best"]["total"] == -1.0


def test_a_resume_into_another_directory_takes_history_and_best_along(finished, data, tmp_path):
    run = tmp_path / "branch"
    before = contents(finished)
    train(resumed(finished / "checkpoints" / "checkpoint_epoch_004.pth", output_dir=str(run), epochs=5))
    assert [row["epoch"] for row in rows(run)] == [1, 2, 3, 4, 5]
    assert rows(run)[:4] == rows(finished)
    assert (run / "best_model.pth").exists()
    assert contents(finished) == before


def test_a_branch_of_an_older_epoch_does_not_take_a_later_best_along(four_epochs, tmp_path):
    run = tmp_path / "branch"
    train(
        resumed(
            four_epochs / "checkpoints/checkpoint_epoch_002.pth",
            output_dir=str(run),
            epochs=3,
            lr=1e-9,
            allow_changed="lr",
        )
    )
    best = read_checkpoint(run / "best_model.pth")
    assert best["epoch"] <= 3
    assert json.dumps(best["best"]["total"]) in json.dumps([row["val"]["total"] for row in rows(run)])


def test_the_best_epoch_of_a_branch_is_taken_along_with_its_weights(four_epochs, tmp_path):
    run = tmp_path / "branch"
    train(resumed(four_epochs / "checkpoints/checkpoint_epoch_002.pth", output_dir=str(run), epochs=3, **WORSE))
    best, at_two = (
        read_checkpoint(run / "best_model.pth"),
        read_checkpoint(four_epochs / "checkpoints/checkpoint_epoch_002.pth"),
    )
    assert best["epoch"] == 2
    assert same(best["ema_state_dict"], at_two["ema_state_dict"])
    assert same(torch.load(run / "best_model_weights.pt"), at_two["ema_state_dict"])


def test_a_latest_checkpoint_alone_can_be_resumed_in_a_new_directory(four_epochs, tmp_path):
    run = tmp_path / "moved"
    run.mkdir()
    shutil.copy(four_epochs / "latest_checkpoint.pth", run)
    train(resumed(run, epochs=5, **WORSE))
    assert (run / "predictions.png").exists()
    assert read_checkpoint(run / "best_model.pth")["epoch"] in (4, 5)
    assert (run / "best_model_weights.pt").exists()


def test_a_latest_checkpoint_of_the_middle_of_an_epoch_can_be_resumed_alone(four_epochs, data, tmp_path, monkeypatch):
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
def test_a_damaged_best_model_does_not_stop_a_resume_and_is_kept(four_epochs, tmp_path, how):
    run = tmp_path / "run"
    shutil.copytree(four_epochs, run)
    content = bytearray((run / "best_model.pth").read_bytes())
    for place in range(len(content) // 2, len(content) // 2 + 2000, 100):  # not only in what pads the zip
        content[place] ^= 255
    damaged = {"flipped": bytes(content), "cut": bytes(content[:1000]), "empty": b""}[how]
    (run / "best_model.pth").write_bytes(damaged)
    train(resumed(run, epochs=5, lr=1e-9, allow_changed="lr"))
    assert "damaged" in log_of(run)
    assert [row["epoch"] for row in rows(run)] == [1, 2, 3, 4, 5]
    assert read_checkpoint(run / "best_model.pth")["epoch"] in (4, 5)
    assert (run / "superseded/damaged_best/best_model.pth").read_bytes() == damaged
    assert (run / "superseded/damaged_best/best_model_weights.pt").exists()


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
