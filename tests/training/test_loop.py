"""The training loop in this process: its log is correct, and refusals leave all files unchanged."""

import json
import os
import signal
from pathlib import Path

import h5py
import numpy as np
import pytest
import torch

from glint_unet.compute.stop_signals import Interrupted
from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.sources import MemorySource
from glint_unet.errors import (
    NonFiniteLossError,
)
from glint_unet.model.losses import TERMS
from glint_unet.model.network import build_network
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.training import loop
from glint_unet.training.loop import train
from glint_unet.training.step import train_step, validate
from tests.run_files import contents, log_of, resumed, rows, same, settings, weights


def test_the_logged_terms_add_up_to_the_total(finished):
    for row in rows(finished):
        for part in ("train", "val"):
            assert row[part]["total"] == pytest.approx(sum(row[part][name] for name in TERMS[1:]), rel=1e-5)
            assert row[part]["bce"] == row[part]["dice"] == 0
            assert row[part]["votes"] != 0


def test_the_best_models_validation_figures_are_those_of_the_stored_weights(finished, data):
    best = read_checkpoint(finished / "best_model.pth")
    info = inspect_dataset(data)
    config = TrainConfig(base_channels=2)
    network = build_network(config, info)
    network.load_state_dict(torch.load(finished / "best_model_weights.pt"))
    val = json.loads((finished / "split.json").read_text())["val"]
    source = MemorySource(info)
    figures, confusion = validate(network, source.batches([np.array(val)]), torch.device("cpu"), config, info)
    assert figures["total"] == pytest.approx(best["metrics"]["val"]["total"], rel=1e-5)
    # one by one: no mean depends on the batches but the votes', which is over the pixels near a batch's glints
    one_by_one, _ = validate(network, source.batches([np.array([k]) for k in val]), torch.device("cpu"), config, info)
    assert one_by_one["focal"] == pytest.approx(best["metrics"]["val"]["focal"], rel=1e-5)
    assert confusion == best["history"][-1]["val_confusion"]
    assert sum(map(sum, confusion)) == int(source.gather(np.array(val)).keypoints.isfinite().all(dim=-1).sum())
    least = min(row["val"]["total"] for row in rows(finished))
    assert best["best"] == {"epoch": best["epoch"], "total": least, "rank": least}


def test_the_same_seed_gives_the_same_run_bit_for_bit(finished, data, tmp_path):
    train(settings(data, tmp_path / "again", epochs=4))
    assert rows(tmp_path / "again") == rows(finished)
    assert same(weights(tmp_path / "again" / "latest_checkpoint.pth"), weights(finished / "latest_checkpoint.pth"))


def test_data_from_the_file_gives_the_same_run_as_data_in_memory(finished, data, tmp_path):
    train(settings(data, tmp_path / "file", epochs=4, preload=False, num_workers=2))
    assert rows(tmp_path / "file") == rows(finished)


def test_data_on_the_device_gives_the_same_run(finished, data, tmp_path):
    train(settings(data, tmp_path / "run", cache="device", epochs=4))
    assert rows(tmp_path / "run") == rows(finished)


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_good_checkpoint(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    train(settings(data, run, epochs=1))
    before = contents(run)

    def broken(*arguments):
        return train_step(*arguments) * torch.nan

    monkeypatch.setattr(loop, "train_step", broken)
    with pytest.raises(NonFiniteLossError, match="epoch 2 by step 1"):
        train(resumed(run, epochs=2))
    after = contents(run)
    changed = {Path(name).name for name in after if after[name] != before.get(name)}
    assert changed <= {"training.log", "training_args.json", "best_model_weights.pt", "provenance.json", "status.json"}


def test_a_rollback_goes_back_at_half_the_learning_rate_three_times_at_most(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    train(settings(data, run, epochs=1))

    broken_at = {4e-3, 2e-3}

    def broken(state, *arguments):
        terms = train_step(state, *arguments)
        return terms * torch.nan if state.optimizer.param_groups[0]["lr"] in broken_at else terms

    monkeypatch.setattr(loop, "train_step", broken)
    train(resumed(run, epochs=3, on_nan="rollback"))
    assert [row["lr"] for row in rows(run)] == [4e-3, 1e-3, 1e-3]
    assert "(2 of 3)" in (run / "training.log").read_text(encoding="utf-8")
    train(resumed(run, epochs=4))
    assert rows(run)[-1]["lr"] == 1e-3
    broken_at |= {1e-3, 5e-4}
    with pytest.raises(NonFiniteLossError, match="epoch 5"):
        train(resumed(run, epochs=5))
    assert read_checkpoint(run / "latest_checkpoint.pth")["rollbacks"] == 3
    assert torch.isfinite(weights(run / "latest_checkpoint.pth")["stem.0.0.weight"]).all()


def test_a_validation_loss_that_is_not_finite_stops_the_run_too(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    monkeypatch.setattr("glint_unet.training.loop.validate", lambda *a: ({"total": float("nan"), "f1": None}, []))
    with pytest.raises(NonFiniteLossError, match="epoch 1"):
        train(settings(data, run))
    assert read_checkpoint(run / "latest_checkpoint.pth")["epoch"] == 0
    assert not (run / "best_model.pth").exists()


def test_every_loss_trains(data, tmp_path):
    for loss in ("focal", "bce", "dice", "hybrid", "quality_focal"):
        run = tmp_path / loss
        train(settings(data, run, loss=loss, lam_bce=1.0, lam_dice=1.0, lr=3e-3))
        first, second = rows(run)
        assert second["train"]["total"] < first["train"]["total"]
        on = {"focal", "bce", "dice"} if loss == "hybrid" else {loss.removeprefix("quality_")}
        assert {name for name in ("focal", "bce", "dice") if first["train"][name] > 0} == on


def test_a_file_of_others_trains(tmp_path):

    rng = np.random.default_rng(0)
    path = tmp_path / "theirs.h5"
    with h5py.File(path, "w") as file:
        file["images"] = rng.integers(0, 255, (10, 24, 40), dtype=np.uint8)
        file["heatmaps"] = rng.integers(0, 255, (10, 5, 6, 10), dtype=np.uint8)
    train(settings(path, tmp_path / "run", epochs=1, val_split=0.2))
    assert json.loads((tmp_path / "run" / "dataset.json").read_text())["num_classes"] == 5


@pytest.mark.parametrize("on_nan", ["stop", "rollback"])
@pytest.mark.parametrize("save", ["signal", "minutes"])
def test_weights_that_are_not_finite_are_never_stored(data, tmp_path, monkeypatch, save, on_nan):
    """A step may break the weights while its own loss is still finite; the loss of the next one shows it."""
    run = tmp_path / "run"
    steps = iter(range(1, 1000))

    def breaking(state, *arguments):
        terms = train_step(state, *arguments)
        if next(steps) == 4:
            next(state.network.parameters()).data.fill_(torch.nan)
            if save == "signal":
                os.kill(os.getpid(), signal.SIGTERM)
        return terms

    monkeypatch.setattr(loop, "train_step", breaking)
    minutes = 1e-9 if save == "minutes" else 0.0
    config = settings(data, run, on_nan=on_nan, save_every_minutes=minutes)
    if save == "signal":
        with pytest.raises(Interrupted):
            train(config)
        assert "weights were not finite" in log_of(run)
        assert "state saved" not in log_of(run)
    elif on_nan == "stop":
        with pytest.raises(NonFiniteLossError):
            train(config)
    else:
        train(config)
    for path in run.rglob("*.pth"):
        assert all(tensor.isfinite().all() for tensor in weights(path).values()), path
    monkeypatch.setattr(loop, "train_step", train_step)
    train(resumed(run, epochs=3))
    assert len(rows(run)) == 3


def scripted(totals):
    """Replaces the figures of the validation: what each of the next epochs is rated as."""
    rest = iter(totals)
    return lambda *arguments: (validate(*arguments)[0] | {"total": next(rest)}, [])


TOTALS = [3.0, 1.0, 2.0, 1.5, 1.2, 1.1, 0.5, 0.4]


def test_a_run_stops_when_its_best_epoch_is_patience_epochs_ago(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    monkeypatch.setattr(loop, "validate", scripted(TOTALS))
    train(settings(data, run, epochs=8, patience=3))
    assert [row["epoch"] for row in rows(run)] == [1, 2, 3, 4, 5]
    assert "(best: epoch 2): stopped early after epoch 5" in log_of(run)
    assert (run / "results.png").exists()
    train(resumed(run))
    assert "The run stopped early" in log_of(run)
    assert len(rows(run)) == 5
    monkeypatch.setattr(loop, "validate", scripted(TOTALS[5:]))
    train(resumed(run, patience=4))
    assert "(best: epoch 2): stopped early after epoch 6" in log_of(run)
    monkeypatch.setattr(loop, "validate", scripted(TOTALS[6:]))
    train(resumed(run, patience=0))
    assert [row["epoch"] for row in rows(run)] == list(range(1, 9))


def test_patience_counts_on_through_an_interruption(data, tmp_path, monkeypatch):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    monkeypatch.setattr(loop, "validate", scripted(TOTALS))
    train(settings(data, whole, epochs=8, patience=3))
    num_steps = iter(range(1000))

    def interrupting(*arguments):
        if next(num_steps) == 10:  # in the middle of epoch 4
            os.kill(os.getpid(), signal.SIGTERM)
        return train_step(*arguments)

    monkeypatch.setattr(loop, "validate", scripted(TOTALS))
    monkeypatch.setattr(loop, "train_step", interrupting)
    with pytest.raises(Interrupted):
        train(settings(data, parts, epochs=8, patience=3))
    assert len(rows(parts)) == 3
    train(resumed(parts))
    assert rows(parts) == rows(whole)
    assert same(weights(parts / "latest_checkpoint.pth"), weights(whole / "latest_checkpoint.pth"))


def test_a_run_ends_with_its_figures_and_the_next_commands(finished, data):
    lines = log_of(finished).splitlines()[-5:]
    assert "Training finished" in lines[0]
    assert "Validation of the best epoch 4: F1 0." in lines[1]
    assert lines[2].endswith(f"glint-unet evaluate --run {finished} --h5 {data}")
    assert f"glint-unet predict --run {finished} --input IMAGES --out glints.csv" in lines[3]
    assert lines[4].endswith(f"glint-unet runs {finished.parent}")
