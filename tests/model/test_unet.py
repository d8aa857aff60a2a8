import pytest
import torch
from torch import nn

from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.model.compact import CompactNet
from glint_unet.model.network import build_network
from glint_unet.model.unet import UNet


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("size", [(32, 32), (40, 24), (120, 160), (20, 28)])
@pytest.mark.parametrize(("kind", "channels"), [(UNet, 5), (CompactNet, 8)])
def test_the_output_has_the_heatmaps_size(kind, channels, stride, size):
    network = kind(num_classes=5, base_channels=2, output_stride=stride)
    assert network(torch.rand(2, 1, *size)).shape == (2, channels, size[0] // stride, size[1] // stride)


def test_padding_at_the_right_and_bottom_moves_no_point():
    torch.manual_seed(0)
    network = UNet(num_classes=1, base_channels=2, output_stride=2).eval()
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        whole, cut = network(image), network(image[..., :24, :20])
    assert torch.allclose(whole[..., 0, 0], cut[..., 0, 0], atol=0.2)
    assert cut.shape == (1, 1, 12, 10)


def multiply_adds(network):
    """Of the convolutions, on one image of 256x256."""
    counted = []

    def count(module, inputs, output):
        if isinstance(module, nn.ConvTranspose2d):
            counted.append(inputs[0].numel() * module.out_channels * 4)
        else:
            counted.append(output.numel() * module.weight[0].numel())

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.register_forward_hook(count)
    network(torch.rand(1, 1, 256, 256))
    return sum(counted)


def test_the_compact_network_spends_a_fifth_of_the_plain_ones_two_billion_multiply_adds():
    assert multiply_adds(UNet()) == pytest.approx(2.0e9, rel=0.05)
    assert multiply_adds(CompactNet()) <= multiply_adds(UNet()) / 5


def test_the_weights_are_a_function_of_the_seed(data):
    info = inspect_dataset(data)
    for setting, name in (({"arch": "unet"}, "enc1.0.weight"), ({"arch": "compact"}, "stem.0.0.weight")):
        first, same, other = (
            build_network(TrainConfig.from_dict({**setting, "seed": s}), info).state_dict() for s in (1, 1, 2)
        )
        assert all(torch.equal(first[name], same[name]) for name in first)
        assert not torch.equal(first[name], other[name])
