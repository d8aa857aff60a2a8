"""What a manager writes, prunes, finds and loads."""

import json
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.model.unet import UNet
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.checkpoint_manager import CheckpointManager
from tests.network_files import ARGS, METRICS, network_and_optimizer, same_weights


def test_a_checkpoint_comes_back_as_it_was(saved):
    manager, path, network, optimizer = saved
    fresh, fresh_optimizer = network_and_optimizer(seed=1)
    content = manager.load_checkpoint(path, fresh, fresh_optimizer, device="cpu")
    assert path.name == "checkpoint_epoch_007.pth"
    assert content["epoch"] == 7
    assert content["metrics"] == METRICS
    assert content["train_args"] == {"epochs": 3, "h5": "a.h5", "lr": 1e-3}
    assert len(content["timestamp"]) == len("2025-11-06 14:30:22")
    assert same_weights(network, fresh)
    before, after = optimizer.state_dict()["state"], fresh_optimizer.state_dict()["state"]
    assert all(torch.equal(before[k]["exp_avg_sq"], after[k]["exp_avg_sq"]) for k in before)


def test_the_best_model_is_a_full_checkpoint_and_a_bare_state_dict(tmp_path):
    network, optimizer = network_and_optimizer()
    CheckpointManager(tmp_path).save_checkpoint(2, network, optimizer, ARGS, METRICS, is_best=True)
    fresh = UNet(num_classes=2, base_channels=2)
    fresh.load_state_dict(torch.load(tmp_path / "best_model_weights.pt"))
    assert same_weights(network, fresh)
    assert read_checkpoint(tmp_path / "best_model.pth")["epoch"] == 2


def test_without_the_optimizer_a_checkpoint_is_a_third_of_the_size(tmp_path):
    network, optimizer = network_and_optimizer()
    whole = CheckpointManager(tmp_path / "a").save_checkpoint(1, network, optimizer, ARGS, METRICS)
    bare = CheckpointManager(tmp_path / "b", save_optimizer=False).save_checkpoint(1, network, optimizer, ARGS, METRICS)
    assert "optimizer_state_dict" not in read_checkpoint(bare)
    tensors = sum(t.numel() * t.element_size() for t in network.state_dict().values())
    assert whole.stat().st_size - bare.stat().st_size > 1.8 * tensors


def test_pruning_keeps_the_newest_n(tmp_path):
    manager = CheckpointManager(tmp_path, keep_last_n=2)
    network, optimizer = network_and_optimizer()
    for epoch in (5, 10, 15, 1000):
        manager.save_checkpoint(epoch, network, optimizer, ARGS, METRICS)
    names = sorted(path.name for path in (tmp_path / "checkpoints").iterdir())
    assert names == ["checkpoint_epoch_015.pth", "checkpoint_epoch_1000.pth"]


def test_the_newest_good_checkpoint_is_found_past_damaged_ones(tmp_path):
    manager = CheckpointManager(tmp_path)
    assert manager.get_latest_checkpoint() is None
    network, optimizer = network_and_optimizer()
    good = manager.save_checkpoint(1, network, optimizer, ARGS, METRICS)
    torn = manager.save_checkpoint(2, network, optimizer, ARGS, METRICS)
    manager.save_latest(3, network, optimizer, ARGS, METRICS)
    assert manager.get_latest_checkpoint() == tmp_path / "latest_checkpoint.pth"
    for path in (torn, tmp_path / "latest_checkpoint.pth"):
        path.write_bytes(path.read_bytes()[:-100])
    found, damaged = manager.find_newest_good()
    assert found == good
    assert len(damaged) == 2


def test_numbers_of_numpy_are_stored_as_plain_ones(tmp_path):
    network, optimizer = network_and_optimizer()
    optimizer.param_groups[0]["lr"] = np.float64(1e-3)
    arguments = {
        "lr": np.logspace(-3, -2, 2)[0],
        "epochs": np.int64(3),
        "half": np.float16(0.5),
        "is_on": np.bool_(True),
        "name": np.str_("a"),
        "paths": [Path("a"), (Path("b"), {Path("c"): np.float32(2)})],
    }
    metrics = {"train": {"total": np.mean([0.5])}, "val": {"total": np.float32(0.25), "each": np.arange(3)}}
    extra: Any = {np.str_("own"): {"n": np.int64(7)}}
    manager = CheckpointManager(tmp_path)
    path = manager.save_checkpoint(
        cast(int, np.int64(1)), network, optimizer, arguments, metrics, is_best=True, extra=extra
    )
    content = manager.load_checkpoint(path, *network_and_optimizer(seed=1))
    assert content["train_args"] == {
        "lr": 1e-3,
        "epochs": 3,
        "half": 0.5,
        "is_on": True,
        "name": "a",
        "paths": ["a", ("b", {"c": 2.0})],
    }
    assert content["metrics"] == {"train": {"total": 0.5}, "val": {"total": 0.25, "each": [0, 1, 2]}}
    assert content["own"] == {"n": 7}
    assert content["epoch"] == 1


@pytest.mark.parametrize("part", ["metrics", "extra"])
def test_what_no_checkpoint_can_hold_is_refused_before_anything_is_written(tmp_path, part):
    network, optimizer = network_and_optimizer()
    given: dict[str, Any] = {"metrics": METRICS, part: {"val": {"thing": object()}}}
    with pytest.raises(CheckpointError, match=r"(metrics|extra|own|val) contains <object"):
        CheckpointManager(tmp_path).save_checkpoint(1, network, optimizer, ARGS, **given)
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_settings_that_json_cannot_hold_become_text_and_numbers_stay_numbers(tmp_path):
    settings = {"h5": Path("a.h5"), "lr": np.float32(0.5), "limit": float("inf"), "n": np.int64(2)}
    CheckpointManager(tmp_path).save_training_args(settings)
    stored = json.loads((tmp_path / "training_args.json").read_text())
    assert stored == {"h5": "a.h5", "lr": 0.5, "limit": "inf", "n": 2}
