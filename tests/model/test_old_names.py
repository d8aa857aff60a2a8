"""A network built as the original implementation built it gives the same heatmaps under our names."""

import pytest
import torch

from glint_unet.model.old_names import renamed_weights
from glint_unet.model.unet import UNet
from tests.original_unet import old_network


@pytest.mark.parametrize("bias", [True, False])
def test_the_old_network_under_our_names_says_the_same(bias):
    old = old_network(bias)
    ours = UNet(num_classes=3, base_channels=4, output_stride=4).eval()
    ours.load_state_dict(renamed_weights(old.state_dict(), ours.state_dict()))
    images = torch.rand(2, 1, 64, 96)
    with torch.no_grad():
        assert torch.allclose(ours(images), old(images), atol=1e-4)
