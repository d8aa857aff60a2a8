"""The exponential moving average of a network's weights: what is validated, kept as best and deployed."""

import copy

import torch
from torch import nn


def averaged_copy(network: nn.Module) -> nn.Module:
    """Where the average begins: a copy, for evaluation."""
    average = copy.deepcopy(network).eval()
    return average.requires_grad_(False)


@torch.no_grad()
def update_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Moves the average towards the network, weights and batch-normalisation statistics alike.

    `average += (1 - d) * (network - average)` with d = min(decay, (1 + step) / (10 + step)), so that the first random
    weights are soon forgotten (as in TensorFlow's ExponentialMovingAverage).

    Args:
        average: of `averaged_copy`; changed in place.
        network: after this optimizer step.
        decay: per step.
        step: number of this step, from 1.
    """
    weight = 1 - min(decay, (1 + step) / (10 + step))
    ours, theirs = [], []
    for kept, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if kept.is_floating_point():
            ours.append(kept)
            theirs.append(new)
        else:
            kept.copy_(new)
    torch._foreach_lerp_(ours, theirs, weight)
