"""The moving average of the weights."""

import copy

import torch
from torch import nn

from glint_unet.training.ema import AverageUpdate, averaged_copy


def test_the_average_is_the_weighted_mean_of_the_weights_and_statistics_seen():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2))
    average = averaged_copy(network)
    move = AverageUpdate(average, network)
    expected = copy.deepcopy(network.state_dict())
    for step in range(1, 60):
        for tensor in network.state_dict().values():
            tensor.copy_(torch.full_like(tensor, step))
        move(0.9, step)
        d = min(0.9, (1 + step) / (10 + step))
        for name, tensor in network.state_dict().items():
            if tensor.is_floating_point():
                expected[name] = d * expected[name] + (1 - d) * tensor
            else:
                expected[name] = tensor
    for name, tensor in average.state_dict().items():
        assert torch.allclose(tensor, expected[name].to(tensor.dtype), rtol=1e-5)
    assert not any(p.requires_grad for p in average.parameters())
    assert not average.training


def test_the_average_spans_about_a_ninth_of_the_steps_taken_so_that_it_never_outlasts_a_short_run():
    network = nn.Linear(1, 1, bias=False)
    for num_steps in (15, 60, 300):
        average = averaged_copy(network)
        move = AverageUpdate(average, network)
        for step in range(1, num_steps + 1):
            with torch.no_grad():
                network.weight.fill_(step)
            move(0.99, step)
        lag = num_steps - next(average.parameters()).item()
        assert lag < num_steps / 9 + 1
