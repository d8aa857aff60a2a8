import copy

import pytest
import torch
from torch import nn

from glint_unet.config import TrainConfig
from glint_unet.training.ema import AverageUpdate, averaged_copy
from glint_unet.training.schedule import learning_rate

CONFIG = TrainConfig(lr=1.0, warmup_steps=10, cooldown=0.5, epochs=10)


def test_the_rate_rises_stays_and_falls():
    assert learning_rate(CONFIG, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(CONFIG, 9, 0.5) == 1.0
    assert learning_rate(CONFIG, 500, 5.0) == 1.0
    assert learning_rate(CONFIG, 750, 7.5) == pytest.approx(0.5)
    assert learning_rate(CONFIG, 999, 9.99) == pytest.approx(0.02)


def test_more_epochs_change_only_the_cooldown():
    longer = TrainConfig(**{**CONFIG.to_dict(), "epochs": 20})
    for steps, epochs in ((0, 0.0), (5, 0.05), (300, 3.0), (500, 5.0)):
        assert learning_rate(CONFIG, steps, epochs) == learning_rate(longer, steps, epochs)
    assert learning_rate(CONFIG, 999, 9.5) < learning_rate(longer, 999, 9.5)


def test_without_warmup_and_cooldown_the_rate_is_constant_and_a_rollback_halves_it():
    constant = TrainConfig(lr=0.5, warmup_steps=0, cooldown=0)
    assert {learning_rate(constant, steps, steps / 10) for steps in range(500)} == {0.5}
    assert learning_rate(constant, 0, 0.0, rollbacks=2) == 0.125


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
