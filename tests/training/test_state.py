"""The state of a run: its initial values, and which epoch it keeps as the best."""

import json
import re

import numpy as np
import pytest
import torch

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.errors import (
    CheckpointError,
    NonFiniteLossError,
)
from glint_unet.pretrained import pretrained_path
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.safetensors_file import read_tensors
from glint_unet.training.loop import train
from glint_unet.training.run_data import new_split
from glint_unet.training.state import new_state
from tests.run_files import resumed, rows, same, settings, weights


def test_a_run_may_begin_with_the_best_weights_of_another(finished, data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=1, init=str(finished), lr=1e-6, aug_noise=0))
    begun, best = weights(run / "latest_checkpoint.pth"), torch.load(finished / "best_model_weights.pt")
    for name, tensor in begun.items():
        if "running" not in name and "num_batches" not in name:
            assert torch.allclose(tensor, best[name], atol=1e-4)
    train(resumed(run, epochs=2))
    with pytest.raises(CheckpointError, match="is another network"):
        train(settings(data, tmp_path / "wide", init=str(finished), base_channels=3))
    with pytest.raises(CheckpointError, match="No such checkpoint"):
        train(settings(data, tmp_path / "none", init=str(tmp_path / "nothing")))
    assert not (tmp_path / "wide").exists()


def test_a_run_may_begin_with_the_pretrained_weights_and_is_resumed_exactly(data, tmp_path):
    """Also where those weights are another network's by the time of the resume: they matter at the start only."""
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    begun = {"init": "pretrained", "base_channels": 16, "lr": 1e-6}
    train(settings(data, whole, epochs=2, **begun))
    train(settings(data, halves, epochs=1, **begun))
    train(resumed(halves, epochs=2))
    assert same(*(weights(run / "latest_checkpoint.pth") for run in (whole, halves)))
    (line,) = re.findall(r"Initial weights: pretrained, .*", (whole / "training.log").read_text())
    assert "initialised randomly" in line
    assert "heatmaps.1.weight, heatmaps.1.bias" in line
    assert (halves / "training.log").read_text().count("Initial weights") == 1
    assert json.loads((whole / "training_args.json").read_text())["init"] == "pretrained"
    stem = weights(whole / "latest_checkpoint.pth")["stem.0.0.weight"]
    assert torch.allclose(stem, read_tensors(pretrained_path())[0]["stem.0.0.weight"], atol=1e-4)


def test_the_best_model_is_the_one_that_best_metric_names(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=3, best_metric="px_error", lr=5e-3))
    ranks = [(row["val"]["px_error"] if row["val"]["px_error"] is not None else np.inf) for row in rows(run)]
    totals = [row["val"]["total"] for row in rows(run)]
    expected = min(zip(ranks, totals, (1, 2, 3), strict=True))[2]
    assert read_checkpoint(run / "best_model.pth")["epoch"] == expected


def test_an_epoch_that_ends_is_counted_and_compared_with_the_best(data):
    config = settings(data, "unused")
    info = inspect_dataset(data)
    state = new_state(config, info, torch.device("cpu"), new_split(config, info))
    for epoch, (total, is_best) in enumerate([(0.5, True), (0.7, False), (0.3, True)], start=1):
        state.progress.add(torch.full((7,), float(epoch)), num_images=4)
        result = state.finish_epoch({"total": total, "f1": None}, "total")
        assert (state.epoch, result.is_best, result.progress.images_done) == (epoch, is_best, 4)
        assert state.metrics["train"]["total"] == epoch
        assert state.progress.images_done == 0
    assert (state.best.epoch, state.best.total) == (3, 0.3)
    with pytest.raises(NonFiniteLossError):
        state.finish_epoch({"total": float("nan")}, "total")
    assert state.epoch == 3
