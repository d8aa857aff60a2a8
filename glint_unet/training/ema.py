"""The exponential moving average of a network's weights, which is validated, saved as the best model and deployed."""

import copy

import torch
from torch import nn


def averaged_copy(network: nn.Module) -> nn.Module:
    """A copy of the network in evaluation mode and without gradients, as the initial average."""
    average = copy.deepcopy(network).eval()
    return average.requires_grad_(False)


class AverageUpdate:
    """Updates an average from its network: weights and batch-normalisation statistics alike.

    `average += (1 - d) * (network - average)` with d = min(decay, (1 + step) / (10 + step)), so that the random initial
    weights soon lose their influence (as in TensorFlow's ExponentialMovingAverage).

    The tensors are collected once, because a `state_dict` per step took a fifth of the host time of a small step. They
    must not be reallocated afterwards; `load_state_dict` copies in place and is safe.

    Args:
        average: from `averaged_copy`; updated in place.
        network: the network in training.
    """

    def __init__(self, average: nn.Module, network: nn.Module) -> None:
        pairs = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
        self._weights = tuple(zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True))
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def __call__(self, decay: float, step: int) -> None:
        """Updates the average after an optimizer step.

        Args:
            decay: decay per step.
            step: number of this step, from 1.
        """
        averages, weights = self._weights
        torch._foreach_lerp_(averages, weights, 1 - min(decay, (1 + step) / (10 + step)))
        for average_count, count in self._counts:
            average_count.copy_(count)
