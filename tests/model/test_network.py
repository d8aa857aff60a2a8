"""The networks: by name, and what holds for all of them."""

import dataclasses
from typing import get_args, get_type_hints

import pytest
import torch
from torch import nn

from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.errors import SettingError
from glint_unet.model.compact import CompactNet
from glint_unet.model.network import NETWORKS, build_network, check_part_sizes, new_network
from glint_unet.model.unet import UNet


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize("size", [(32, 32), (40, 24), (120, 160), (20, 28)])
@pytest.mark.parametrize(("kind", "channels"), [(UNet, 5), (CompactNet, 8)])
def test_the_output_has_the_heatmaps_size(kind, channels, stride, size):
    network = kind(num_classes=5, base_channels=2, output_stride=stride)
    assert network(torch.rand(2, 1, *size)).shape == (2, channels, size[0] // stride, size[1] // stride)


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


def test_every_choice_of_arch_is_a_network():
    assert set(get_args(get_type_hints(TrainConfig)["arch"])) == NETWORKS.keys()


def test_a_network_that_does_not_exist_is_refused_by_name():
    with pytest.raises(SettingError, match="'resnet' is not a valid choice; choose one of: compact, unet"):
        new_network("resnet", 3, 2, 4)


@pytest.mark.parametrize("arch", NETWORKS)
def test_one_image_on_the_coarsest_level_is_refused_just_where_torch_cannot_train_on_it(arch, data):
    info = inspect_dataset(data)
    for side, is_refused in ((NETWORKS[arch].coarsest_px, True), (NETWORKS[arch].coarsest_px + 4, False)):
        network = new_network(arch, 3, 2, 4).train()
        info = dataclasses.replace(info, image_size=(side, side), heatmap_size=(side // 4, side // 4))
        if not is_refused:
            check_part_sizes(TrainConfig(arch=arch), info, {1, 8})
            network(torch.rand(1, 1, side, side))
            continue
        with pytest.raises(SettingError, match=f"at most {side} px"):
            check_part_sizes(TrainConfig(arch=arch), info, {1, 8})
        with pytest.raises(ValueError, match="more than 1 value per channel"):
            network(torch.rand(1, 1, side, side))
        check_part_sizes(TrainConfig(arch=arch), info, {2, 8})
