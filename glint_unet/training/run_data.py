"""The data of a run: validated, split and loaded according to its settings."""

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
    """Validates the data set; returns what it declares and its MD5.

    Raises:
        GlintError: the file is missing or damaged, or the settings do not fit it.
    """
    info, md5 = origin_of(config.h5, config.seed).examine(again=config.verify_hash)
    if config.targets == "file" and not info.has_heatmaps:
        raise SettingError("no_heatmaps_in_file", path=config.h5)
    flip_permutation(config.flip, info.num_classes)
    return info, md5


def new_split(config: TrainConfig, info: DatasetInfo) -> Split:
    """Draws the split of a new run."""
    return origin_of(config.h5, config.seed).new_split(info, config.val_split)


def open_data(config: TrainConfig, info: DatasetInfo, device: torch.device, num_processes: int) -> Source:
    """Opens the source of the run's batches."""
    cache = cache_of_run(config, info, device, num_processes)
    origin = origin_of(config.h5, config.seed)
    return origin.open(needed(config, info), cache, num_workers=config.num_workers, device=device)


def cache_of_run(config: TrainConfig, info: DatasetInfo, device: torch.device, num_processes: int) -> str:
    """Where the data set is held: ram, shared, group, device or none."""
    origin = origin_of(config.h5, config.seed)
    return origin.choose_cache(config.where_to_hold(), needed(config, info), device, num_processes)


def needed(config: TrainConfig, info: DatasetInfo) -> DatasetInfo:
    """The part of the data set that the run reads: stored heatmaps are not needed if targets are rendered."""
    if config.targets == "keypoints" and info.has_keypoints:
        return dataclasses.replace(info, has_heatmaps=False)
    return info
