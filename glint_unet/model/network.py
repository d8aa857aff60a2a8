"""The networks by name."""

from collections.abc import Collection

import torch

from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.errors import SettingError
from glint_unet.model import compact, unet
from glint_unet.model.compact import CompactNet
from glint_unet.model.unet import UNet

Network = CompactNet | UNet


def build_network(config: TrainConfig, info: DatasetInfo) -> Network:
    """The network that the settings ask for, sized for the data set; its weights are a function of the seed."""
    torch.manual_seed(config.seed)
    return new_network(config.arch, info.num_classes, config.base_channels, info.stride)


def new_network(arch: str, num_classes: int, base_channels: int, output_stride: int) -> Network:
    """A network with fresh weights in the channels-last memory format: `arch` as in `TrainConfig`."""
    kind = UNet if arch == "unet" else CompactNet
    network = kind(num_classes=num_classes, base_channels=base_channels, output_stride=output_stride)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # a fifth to a third faster
    return network


def check_part_sizes(config: TrainConfig, info: DatasetInfo, sizes: Collection[int]) -> None:
    """Refuses parts of a batch that batch normalisation cannot compute: one image whose coarsest level is one pixel.

    Args:
        config: names the network.
        info: the data set's sizes.
        sizes: images that are computed together, for every part of every batch.

    Raises:
        SettingError: such a part.
    """
    coarsest = unet.COARSEST_PX if config.arch == "unet" else compact.COARSEST_PX
    if 1 in sizes and max(info.image_size) <= coarsest:
        raise SettingError("part_too_small", batch=config.batch_size, limit=coarsest)
