import argparse
import io
import json
import os
import pickle
import random
import zipfile
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.model.unet import UNet
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.checkpoint_manager import CheckpointManager

METRICS = {"train": {"total": 0.5}, "val": {"total": 0.4}}
ARGS = argparse.Namespace(epochs=3, h5=Path("a.h5"), lr=1e-3)


def network_and_optimizer(num_classes=2, seed=0):
    torch.manual_seed(seed)
    network = UNet(num_classes=num_classes, base_channels=2)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    network(torch.rand(2, 1, 16, 16)).sum().backward()
    optimizer.step()
    return network, optimizer


def same_weights(a, b):
    return all(torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True))


@pytest.fixture
def saved(tmp_path):
    network, optimizer = network_and_optimizer()
    manager = CheckpointManager(tmp_path)
    path = manager.save_checkpoint(7, network, optimizer, ARGS, METRICS)
    return manager, path, network, optimizer


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


def test_a_checkpoint_of_another_architecture_leaves_the_model_untouched(saved):
    manager, path, _, _ = saved
    other, optimizer = network_and_optimizer(num_classes=4)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(CheckpointError, match="of another network"):
        manager.load_checkpoint(path, other, optimizer)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_mutated_checkpoints_are_refused_or_hold_the_same_weights(saved, tmp_path):
    _, path, network, _ = saved
    whole, rng = path.read_bytes(), random.Random(0)
    mutant = tmp_path / "mutant.pth"
    refused = 0
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 1, 8])):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        if rng.random() < 0.2:
            del content[rng.randrange(len(content)) :]
        mutant.write_bytes(content)
        try:
            loaded = read_checkpoint(mutant)
        except CheckpointError:
            refused += 1
        else:
            assert all(torch.equal(loaded["model_state_dict"][n], t) for n, t in network.state_dict().items())
    assert refused > 150


class Payload:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


def hostile_zip(path, canary):
    torch.save({"epoch": 1, "model_state_dict": {}, "x": Payload(canary)}, path)


def hostile_legacy(path, canary):
    torch.save({"epoch": 1, "x": Payload(canary)}, path, _use_new_zipfile_serialization=False)


def hostile_pickle(path, canary):
    path.write_bytes(pickle.dumps(Payload(canary)))


def compressed_bomb(path, canary):
    stored = io.BytesIO()
    torch.save({"epoch": 1, "x": torch.zeros(10**6)}, stored)
    with zipfile.ZipFile(stored) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))


def stride_bomb(path, canary):
    weights = {"w": torch.zeros(1).expand(10**12)}
    torch.save({"epoch": 1, "model_state_dict": weights, "train_args": {}, "metrics": {}, "timestamp": ""}, path)


@pytest.mark.parametrize("make", [hostile_zip, hostile_legacy, hostile_pickle, compressed_bomb, stride_bomb])
def test_hostile_checkpoints_are_refused_and_never_executed(tmp_path, make):
    path, canary = tmp_path / "hostile.pth", tmp_path / "canary"
    make(path, canary)
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    assert not canary.exists()


def test_bare_weights_and_missing_files_are_refused_with_the_fix(tmp_path):
    network, optimizer = network_and_optimizer()
    CheckpointManager(tmp_path).save_best(2, network, optimizer, ARGS, METRICS)
    with pytest.raises(CheckpointError, match=r"use latest_checkpoint\.pth"):
        read_checkpoint(tmp_path / "best_model_weights.pt")
    with pytest.raises(CheckpointError, match="No such checkpoint"):
        read_checkpoint(tmp_path / "none.pth")


def test_an_optimizer_state_of_other_shapes_is_refused(saved, tmp_path):
    manager, path, network, optimizer = saved
    content = torch.load(path)
    content["optimizer_state_dict"]["state"][0]["exp_avg"] = torch.zeros(1)
    torch.save(content, tmp_path / "other.pth")
    before = {k: v["exp_avg"].clone() for k, v in optimizer.state_dict()["state"].items()}
    with pytest.raises(CheckpointError, match="optimizer"):
        manager.load_checkpoint(tmp_path / "other.pth", network, optimizer)
    assert all(torch.equal(v["exp_avg"], before[k]) for k, v in optimizer.state_dict()["state"].items())


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
    with pytest.raises(CheckpointError, match=r"(metrics|extra|own|val) holds <object"):
        CheckpointManager(tmp_path).save_checkpoint(1, network, optimizer, ARGS, **given)
    assert list((tmp_path / "checkpoints").iterdir()) == []


OPTIMIZERS: dict[str, dict[str, Any]] = {
    "Adadelta": {},
    "Adafactor": {},
    "Adagrad": {},
    "Adam": {"amsgrad": True},
    "AdamW": {"fused": True},
    "Adamax": {},
    "ASGD": {},
    "NAdam": {},
    "RAdam": {},
    "RMSprop": {"momentum": 0.9, "centered": True},
    "Rprop": {},
    "SGD": {"momentum": 0.9},
}


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_the_state_of_every_optimizer_of_torch_comes_back(tmp_path, name):
    def fresh(seed):
        torch.manual_seed(seed)
        network = UNet(num_classes=2, base_channels=2)
        return network, getattr(torch.optim, name)(network.parameters(), lr=1e-3, **OPTIMIZERS[name])

    def step(network, optimizer):
        optimizer.zero_grad()
        network(torch.linspace(0, 1, 512).reshape(2, 1, 16, 16)).square().sum().backward()
        optimizer.step()

    network, optimizer = fresh(0)
    step(network, optimizer)
    manager = CheckpointManager(tmp_path)
    path = manager.save_checkpoint(1, network, optimizer, ARGS, METRICS)
    loaded, loaded_optimizer = fresh(1)
    manager.load_checkpoint(path, loaded, loaded_optimizer)
    for pair in ((network, optimizer), (loaded, loaded_optimizer)):
        step(*pair)
    assert same_weights(network, loaded)


@pytest.mark.parametrize(("name", "state"), [("NAdam", "mu_product"), ("Adafactor", "row_var"), ("Adam", "step")])
def test_an_optimizer_state_of_shapes_that_its_kind_does_not_have_is_refused(tmp_path, name, state):
    network, _ = network_and_optimizer()
    optimizer = getattr(torch.optim, name)(network.parameters(), lr=1e-3)
    network(torch.rand(2, 1, 16, 16)).sum().backward()
    optimizer.step()
    manager = CheckpointManager(tmp_path)
    path = manager.save_checkpoint(1, network, optimizer, ARGS, METRICS)
    content = torch.load(path)
    content["optimizer_state_dict"]["state"][0][state] = torch.zeros(7, 7)
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="optimizer"):
        manager.load_checkpoint(path, network, optimizer)


def test_settings_that_json_cannot_hold_become_text_and_numbers_stay_numbers(tmp_path):
    settings = {"h5": Path("a.h5"), "lr": np.float32(0.5), "limit": float("inf"), "n": np.int64(2)}
    CheckpointManager(tmp_path).save_training_args(settings)
    stored = json.loads((tmp_path / "training_args.json").read_text())
    assert stored == {"h5": "a.h5", "lr": 0.5, "limit": "inf", "n": 2}
