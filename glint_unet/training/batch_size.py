"""`--batch auto`: the largest batch size that fits into the free memory of the GPU."""

import dataclasses
import math
from collections.abc import Callable

import numpy as np
import torch

from glint_unet.config import TrainConfig
from glint_unet.data.augment import sample_augmentation
from glint_unet.data.batch import Batch
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.device_memory import free_device_bytes
from glint_unet.data.sources import bytes_held
from glint_unet.errors import DeviceError
from glint_unet.training.run_data import cache_of_run, needed, new_split
from glint_unet.training.state import new_state
from glint_unet.training.step import train_step

_SHARE_OF_FREE = 0.8
_FEWEST_STEPS = 16


def find_batch_size(config: TrainConfig, info: DatasetInfo, device: torch.device, num_processes: int) -> int:
    """Finds the batch size of a new run, summed over all processes, which are assumed to have identical GPUs.

    Trains a temporary network on batches whose parts (`--accumulate`) have 2, 4, 8, ... images, until one needs more
    than 80% of the free memory (minus the data set, if the GPU holds it). An epoch keeps at least 16 steps: with fewer,
    the network would learn too little from each image.

    Raises:
        DeviceError: there is no GPU, or even the smallest batch does not fit.
    """
    if device.type != "cuda":
        raise DeviceError("batch_auto_without_gpu")
    config = dataclasses.replace(config, compile=False)  # every size would be compiled separately
    on_device = cache_of_run(config, info, device, num_processes) == "device"
    budget = int(free_device_bytes(device) * _SHARE_OF_FREE) - (bytes_held(needed(config, info)) if on_device else 0)
    most = len(new_split(config, info).train) // _FEWEST_STEPS // num_processes
    each = largest_doubled(2 * config.accumulate, most, lambda num: _memory(num, config, info, device) <= budget)
    torch.cuda.empty_cache()
    if not each:
        raise DeviceError("batch_auto_does_not_fit", device=device, free_mb=max(budget, 0) // 2**20)
    return each * num_processes


def largest_doubled(first: int, most: int, fits: Callable[[int], bool]) -> int:
    """The largest of first, 2 * first, 4 * first, ... that fits; 0 if even `first` does not.

    The numbers are tried in this order; those above `most` are not tried, except `first`.
    """
    largest, num = 0, first
    while (num == first or num <= most) and fits(num):
        largest, num = num, 2 * num
    return largest


def _memory(num: int, config: TrainConfig, info: DatasetInfo, device: torch.device) -> float:
    """Peak GPU memory in bytes of two steps on `num` images; infinite if the GPU runs out of memory."""
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats(device)
    try:
        _two_steps(num, config, info, device)
    except torch.cuda.OutOfMemoryError:
        return math.inf
    return torch.cuda.max_memory_reserved(device)


def _two_steps(num: int, config: TrainConfig, info: DatasetInfo, device: torch.device) -> None:
    """Takes two steps with a temporary network; two because the optimizer allocates its moments in the first."""
    (H, W), (h, w), C = info.image_size, info.heatmap_size, info.num_classes
    batch = Batch(
        torch.zeros(num, H, W, dtype=torch.uint8, device=device),
        torch.zeros(num, C, h, w, dtype=torch.float16, device=device),
        torch.zeros(num, C, 2, device=device),
    )
    draws = sample_augmentation(config.seed, 1, np.arange(num), C).to(device) if config.augment else None
    state = new_state(dataclasses.replace(config, batch=num), info, device, new_split(config, info))
    state.network.train()
    for _ in range(2):
        train_step(state, batch, draws, config, info)
