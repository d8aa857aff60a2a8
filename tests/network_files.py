"""A small network, its optimizer, and arguments of a save, for tests of `runs/`."""

import argparse
from pathlib import Path

import torch

from glint_unet.model.unet import UNet

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
