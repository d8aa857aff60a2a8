"""The exponential moving average of a network's weights: what is validated, kept as best and deployed."""

import copy

import torch
from torch import nn


def averaged_copy(network: nn.Module) -> nn.Module:
    """Where the average begins: a copy, for evaluation."""
    average = copy.deepcopy(network).eval()
    return average.requires_grad_(False)


class AverageUpdate:
    """Moves an average towards its network, weights and batch-normalisation statistics alike.

    `average += (1 - d) * (network - average)` with d = min(decay, (1 + step) / (10 + step)), so that the first random
    weights are soon forgotten (as in TensorFlow's ExponentialMovingAverage).

    The tensors of both are listed once: a `state_dict` per step took a fifth of the host's time of a small step. They
    must stay where they are, as `load_state_dict` leaves them.

    Args:
        average: of `averaged_copy`; changed in place.
        network: the network in training.
    """

    def __init__(self, average: nn.Module, network: nn.Module) -> None:
        pairs = list(zip(average.state_dict().values(), network.state_dict().values(), strict=True))
        self._weights = tuple(zip(*(pair for pair in pairs if pair[0].is_floating_point()), strict=True))
        self._counts = [pair for pair in pairs if not pair[0].is_floating_point()]

    @torch.no_grad()
    def __call__(self, decay: float, step: int) -> None:
        """After an optimizer step.

        Args:
            decay: per step.
            step: number of this step, from 1.
        """
        kept, new = self._weights
        torch._foreach_lerp_(kept, new, 1 - min(decay, (1 + step) / (10 + step)))
        for count, its in self._counts:
            count.copy_(its)
