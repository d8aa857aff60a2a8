"""The data of a run: examined, split, and held as its settings say."""

import dataclasses

import torch

from glint_unet.config import TrainConfig
from glint_unet.data.augment import flip_permutation
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.origin import origin_of
from glint_unet.data.sources import Source
from glint_unet.data.split import Split
from glint_unet.errors import SettingError


def examine(config: TrainConfig) -> tuple[DatasetInfo, str]:
    """What the data set declares, after proof that it is sound, and its MD5.

    Raises:
        GlintError: a file that is missing or damaged, or settings that do not suit it.
    """
    info, md5 = origin_of(config.h5, config.seed).examine(again=config.verify_hash)
    if config.targets == "file" and not info.has_heatmaps:
        raise SettingError("no_heatmaps_in_file", path=config.h5)
    flip_permutation(config.flip, info.num_classes)
    return info, md5


def new_split(config: TrainConfig, info: DatasetInfo) -> Split:
    """The split of a run that begins."""
    return origin_of(config.h5, config.seed).new_split(info, config.val_split)


def open_data(config: TrainConfig, info: DatasetInfo, device: torch.device, num_processes: int) -> Source:
    """The source of the run's batches."""
    cache = cache_of_run(config, info, device, num_processes)
    origin = origin_of(config.h5, config.seed)
    return origin.open(needed(config, info), cache, num_workers=config.num_workers, device=device)


def cache_of_run(config: TrainConfig, info: DatasetInfo, device: torch.device, num_processes: int) -> str:
    """Where the data is held: ram, shared, group, device or none."""
    origin = origin_of(config.h5, config.seed)
    return origin.choose_cache(config.where_to_hold(), needed(config, info), device, num_processes)


def needed(config: TrainConfig, info: DatasetInfo) -> DatasetInfo:
    """The part of the data set that the run reads: heatmaps that are rendered need not be loaded."""
    if config.targets == "keypoints" and info.has_keypoints:
        return dataclasses.replace(info, has_heatmaps=False)
    return info
