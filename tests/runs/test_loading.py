"""Weights and optimizer states are loaded as a whole, or not at all."""

from typing import Any

import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.model.unet import UNet
from glint_unet.runs.checkpoint_manager import CheckpointManager
from tests.network_files import ARGS, METRICS, network_and_optimizer, same_weights


def test_a_checkpoint_of_another_architecture_leaves_the_model_untouched(saved):
    manager, path, _, _ = saved
    other, optimizer = network_and_optimizer(num_classes=4)
    before = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    with pytest.raises(CheckpointError, match="for another network"):
        manager.load_checkpoint(path, other, optimizer)
    assert all(torch.equal(tensor, before[name]) for name, tensor in other.state_dict().items())


def test_an_optimizer_state_of_other_shapes_is_refused(saved, tmp_path):
    manager, path, network, optimizer = saved
    content = torch.load(path)
    content["optimizer_state_dict"]["state"][0]["exp_avg"] = torch.zeros(1)
    torch.save(content, tmp_path / "other.pth")
    before = {k: v["exp_avg"].clone() for k, v in optimizer.state_dict()["state"].items()}
    with pytest.raises(CheckpointError, match="optimizer"):
        manager.load_checkpoint(tmp_path / "other.pth", network, optimizer)
    assert all(torch.equal(v["exp_avg"], before[k]) for k, v in optimizer.state_dict()["state"].items())


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
