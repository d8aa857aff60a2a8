"""The registry of networks, by name."""

from collections.abc import Collection
from typing import Protocol

import torch
from torch import nn

from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.errors import SettingError
from glint_unet.model.compact import CompactNet
from glint_unet.model.unet import UNet


class NetworkClass(Protocol):
    """A network class: from greyscale images to heatmap logits of C LEDs, optionally followed by 3 vote maps.

    Attributes:
        coarsest_px: image pixels per pixel of the coarsest level.
    """

    coarsest_px: int

    def __call__(self, *, num_classes: int, base_channels: int, output_stride: int) -> nn.Module:
        """Builds a network with random weights."""


NETWORKS: dict[str, NetworkClass] = {"compact": CompactNet, "unet": UNet}
"""Every choice of `--arch`. A new network is one entry here."""


def build_network(config: TrainConfig, info: DatasetInfo) -> nn.Module:
    """Builds the network selected by the settings for a data set; its weights are a function of the random seed."""
    torch.manual_seed(config.seed)
    return new_network(config.arch, num_heatmaps(config, info.num_classes), config.base_channels, info.stride)


def num_heatmaps(config: TrainConfig, num_leds: int) -> int:
    """Heatmap channels of a network for a number of LEDs: one each, or a single one for `--class_free`."""
    return 1 if config.class_free else num_leds


def new_network(arch: str, num_heatmaps: int, base_channels: int, output_stride: int) -> nn.Module:
    """Builds a network with random weights in the channels-last memory format.

    Args:
        arch: a name in `NETWORKS`.
        num_heatmaps: the number of heatmap channels.
        base_channels: width of the network.
        output_stride: image pixels per heatmap pixel: 1, 2 or 4.

    Raises:
        SettingError: there is no network of this name.
    """
    if arch not in NETWORKS:
        raise SettingError("setting_not_a_choice", flag="arch", value=arch, choices=", ".join(NETWORKS))
    network = NETWORKS[arch](num_classes=num_heatmaps, base_channels=base_channels, output_stride=output_stride)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth to a third faster
    return network


def check_part_sizes(config: TrainConfig, info: DatasetInfo, sizes: Collection[int]) -> None:
    """Checks that batch normalisation is defined for every part: not for one image whose coarsest level is one pixel.

    Args:
        config: selects the network.
        info: what the data set declares.
        sizes: numbers of images that are computed together.

    Raises:
        SettingError: a part consists of one such image.
    """
    coarsest = NETWORKS[config.arch].coarsest_px
    if 1 in sizes and max(info.image_size) <= coarsest:
        raise SettingError("part_too_small", batch=config.batch_size, limit=coarsest)
