"""The compact network."""

import torch

from glint_unet.model.compact import VOTE_CHANNELS, CompactNet


def test_a_fresh_network_finds_nothing():
    torch.manual_seed(0)
    network = CompactNet(num_classes=3, base_channels=4).eval()
    with torch.no_grad():
        scores = network(torch.rand(2, 1, 64, 64))[:, :3].sigmoid()
    assert scores.max() < 0.1


def test_votes_follow_the_heatmaps():
    network = CompactNet(num_classes=5, base_channels=2, output_stride=2).eval()
    output = network(torch.rand(1, 1, 32, 32))
    assert output.shape[1] == 5 + VOTE_CHANNELS
