"""The data of a run: examined, split, and held where its settings say."""

import dataclasses

import torch

from glint_unet.config import TrainConfig
from glint_unet.data.augment import flip_permutation
from glint_unet.data.batches import Source, choose_cache, open_source
from glint_unet.data.dataset_file import DatasetInfo, inspect_dataset
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.data.split import Split, draw_split
from glint_unet.data.synthetic.stream import SyntheticStream, is_stream
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import SettingError


def examine(config: TrainConfig) -> tuple[DatasetInfo, str]:
    """What the data set declares, after it was proved sound, and its MD5.

    Raises:
        GlintError: a file that is damaged or is none, or settings that do not suit it.
    """
    if is_stream(config.h5):
        stream = SyntheticStream(config.h5, seed=config.seed)
        info, md5 = stream.info, stream.md5
    else:
        validate_dataset(config.h5, again=config.verify_hash)
        info, md5 = inspect_dataset(config.h5), SharedMemoryDatasetCache.compute_md5(config.h5)
    if config.targets == "file" and not info.has_heatmaps:
        raise SettingError("no_heatmaps_in_file", path=config.h5)
    flip_permutation(config.flip, info.num_classes)
    return info, md5


def new_split(config: TrainConfig, info: DatasetInfo) -> Split:
    """The split of a run that begins."""
    if is_stream(config.h5):
        return SyntheticStream(config.h5, seed=config.seed).split
    return draw_split(info.num_images, config.val_split, config.seed)


def open_data(config: TrainConfig, info: DatasetInfo, device: torch.device, num_processes: int) -> Source:
    """Where the batches come from."""
    if is_stream(config.h5):
        return SyntheticStream(config.h5, seed=config.seed, num_workers=config.num_workers)
    cache = cache_of_run(config, info, device, num_processes)
    return open_source(needed(config, info), cache, num_workers=config.num_workers, device=device)


def cache_of_run(config: TrainConfig, info: DatasetInfo, device: torch.device, num_processes: int) -> str:
    """Where the data are held: ram, shared, group, device or none, as for a stream of drawn images."""
    if is_stream(config.h5):
        return "none"
    return choose_cache(config.where_to_hold(), needed(config, info), device, num_processes)


def needed(config: TrainConfig, info: DatasetInfo) -> DatasetInfo:
    """The part of the data set that the run reads: heatmaps that are rendered need not be loaded."""
    if config.targets == "keypoints" and info.has_keypoints:
        return dataclasses.replace(info, has_heatmaps=False)
    return info
