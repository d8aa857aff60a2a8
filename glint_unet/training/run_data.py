"""The data of a run: validated, split and loaded according to its settings."""

import contextlib
import dataclasses
import math

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.config import TrainConfig
from glint_unet.data.appearance import Appearance
from glint_unet.data.augment import flip_permutation
from glint_unet.data.batch import Rows
from glint_unet.data.dataset_file import DatasetInfo, open_dataset
from glint_unet.data.dataset_reader import read_keypoints, read_rows
from glint_unet.data.heatmaps import keypoints_of_heatmaps
from glint_unet.data.origin import origin_of
from glint_unet.data.source import Source
from glint_unet.data.split import Split, evenly
from glint_unet.errors import SettingError
from glint_unet.model.constellation import LEAST_LEDS, Constellation

_MOST_HEATMAPS = 500
_NUM_LOOKED_AT = 200
_LEAST_MARGIN = 1.1  # of the ranges of what images look like


def examine(config: TrainConfig) -> tuple[DatasetInfo, str]:
    """Validates the data set; returns what it declares and its MD5.

    Raises:
        GlintError: the file is missing or damaged, or the settings do not fit it.
    """
    info, md5 = origin_of(config.h5, config.seed).examine(again=config.verify_hash)
    if config.targets == "file" and not info.has_heatmaps:
        raise SettingError("no_heatmaps_in_file", path=config.h5)
    rig = origin_of(config.h5, config.seed).rig()
    if rig and rig.any_layout and not config.class_free:
        raise SettingError("any_layout_not_class_free", path=config.h5)
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


def constellation_of(config: TrainConfig, info: DatasetInfo, split: Split) -> Constellation | None:
    """The constellation of the LEDs: that of the rig, or else what the keypoints of the training images show.

    None for fewer than 4 LEDs, for keypoints that show none, and with `--decoding argmax`, which the original
    implementation used.
    """
    if info.num_classes < LEAST_LEDS or config.decoding == "argmax":
        return None
    rig = origin_of(config.h5, config.seed).rig()
    if rig:
        return Constellation.of_rig(rig, info.image_size)
    return Constellation.from_keypoints(_training_keypoints(info, split.train))


def appearance_of(config: TrainConfig, info: DatasetInfo, split: Split) -> Appearance:
    """What the images of a run look like: up to 200 of them, with the changes of size and light by augmentation."""
    rows = np.sort(np.concatenate([split.train, split.val]))
    some = evenly(rows, _NUM_LOOKED_AT)
    origin = origin_of(config.h5, config.seed)
    with contextlib.closing(origin.open(needed(config, info), "none", num_workers=0, device=torch.device("cpu"))) as it:
        batch = it.gather(some)
    appearance = Appearance.of_images(batch.images.numpy(), batch.true_keypoints(info).numpy())
    scale, gain = (1 + config.aug_scale, math.exp(config.aug_intensity)) if config.augment else (1.0, 1.0)
    return appearance.widened(max(_LEAST_MARGIN, scale), max(_LEAST_MARGIN, gain))


def _training_keypoints(info: DatasetInfo, rows: Rows) -> NDArray[np.float32]:
    """(n, C, 2) keypoints of the training images; without keypoints in the file, the peaks of some heatmaps."""
    with open_dataset(info.path) as (file, _):
        if info.has_keypoints:
            return read_keypoints(file, slice(None))[rows]
        some = np.sort(rows)[:: -(-len(rows) // _MOST_HEATMAPS)]
        heatmaps = torch.from_numpy(read_rows(file, "heatmaps", some))
    scale = 255 if heatmaps.dtype == torch.uint8 else 1
    return keypoints_of_heatmaps(heatmaps.float() / scale, info.stride).numpy()
