import pytest
import torch
from torch import nn

from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.model.unet import UNet, build_network


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("size", [(32, 32), (40, 24), (120, 160), (20, 28)])
def test_the_output_has_the_heatmaps_size(stride, size):
    network = UNet(num_classes=5, base_channels=2, output_stride=stride)
    assert network(torch.rand(2, 1, *size)).shape == (2, 5, size[0] // stride, size[1] // stride)


def test_padding_at_the_right_and_bottom_moves_no_point():
    torch.manual_seed(0)
    network = UNet(num_classes=1, base_channels=2, output_stride=2).eval()
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        whole, cut = network(image), network(image[..., :24, :20])
    assert torch.allclose(whole[..., 0, 0], cut[..., 0, 0], atol=0.2)
    assert cut.shape == (1, 1, 12, 10)


def test_the_plain_network_spends_two_billion_multiply_adds_on_256_pixels():
    network, counted = UNet(num_classes=8, base_channels=16, output_stride=4), []

    def count(module, inputs, output):
        if isinstance(module, nn.ConvTranspose2d):
            counted.append(inputs[0].numel() * module.out_channels * 4)
        else:
            counted.append(output.numel() * module.weight[0].numel())

    for module in network.modules():
        if isinstance(module, (nn.Conv2d, nn.ConvTranspose2d)):
            module.register_forward_hook(count)
    network(torch.rand(1, 1, 256, 256))
    assert sum(counted) == pytest.approx(2.0e9, rel=0.05)


def test_the_weights_are_a_function_of_the_seed(data):
    info = inspect_dataset(data)
    first, same, other = (build_network(TrainConfig(seed=seed), info).state_dict() for seed in (1, 1, 2))
    assert all(torch.equal(first[name], same[name]) for name in first)
    assert not torch.equal(first["enc1.0.weight"], other["enc1.0.weight"])
