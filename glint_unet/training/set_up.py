"""What the log says about the set-up of a run: network, device, data, and what deserves attention in them."""

from collections.abc import Iterator

import torch

from glint_unet.compute.device import device_name
from glint_unet.compute.threads import Threads
from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.source import Source
from glint_unet.data.synthetic.stream import is_stream
from glint_unet.messages import text
from glint_unet.model.constellation import LEAST_LEDS
from glint_unet.model.network import num_heatmaps
from glint_unet.training.schedule import (
    USUAL_MOMENTUM,
    WARMUP_STEPS,
    statistics_momentum,
    steps_per_epoch,
    warmup_steps,
)
from glint_unet.training.state import TrainState

_FEW_VALIDATION_IMAGES = 20


def set_up_lines(
    config: TrainConfig,
    state: TrainState,
    source: Source,
    device: torch.device,
    num_processes: int,
    threads: Threads,
    *,
    is_new: bool,
) -> Iterator[str]:
    """Yields the lines, in the current language.

    Args:
        config: all settings.
        state: the state of the run.
        source: the source of its batches.
        device: the compute device.
        num_processes: size of the process group.
        threads: the number of CPU threads and its reason.
        is_new: whether the run starts here; a resumed one keeps the layout that it has recorded, if any.
    """
    split = state.split
    yield _network_line(config, state, source.info)
    yield text("device", device=device_name(device))
    yield threads.describe()
    if num_processes > 1:
        yield text("group", size=num_processes, batch=config.batch_size)
    yield source.describe()
    yield text("num_samples", train=len(split.train), val=len(split.val))
    if len(split.val) < _FEW_VALIDATION_IMAGES:
        yield text("few_validation_images", num=len(split.val))
    if is_new and state.constellation is None and _may_learn_layout(config, source.info):
        yield text("no_layout", num=source.info.num_classes)
    yield text("batch_size", batch=config.batch_size)
    yield from _scaling_lines(config, steps_per_epoch(config, len(split.train)))


def _network_line(config: TrainConfig, state: TrainState, info: DatasetInfo) -> str:
    num_weights = sum(p.numel() for p in state.network.parameters())
    (H, W), (h, w) = info.image_size, info.heatmap_size
    C = num_heatmaps(config, info.num_classes)
    return text("network", arch=config.arch, weights=num_weights, H=H, W=W, C=C, h=h, w=w)


def _may_learn_layout(config: TrainConfig, info: DatasetInfo) -> bool:
    """Whether the layout of the LEDs is learnt from annotations."""
    return info.num_classes >= LEAST_LEDS and config.decoding != "argmax" and not is_stream(config.h5)


def _scaling_lines(config: TrainConfig, epoch_steps: int) -> Iterator[str]:
    steps, warm = epoch_steps * config.epochs, warmup_steps(config, epoch_steps)
    if config.warmup_steps == "auto" and warm < WARMUP_STEPS:
        yield text("short_warmup", steps=steps, warm=warm, usual=WARMUP_STEPS)
    momentum = statistics_momentum(config, epoch_steps)
    if momentum > USUAL_MOMENTUM:
        yield text("short_statistics", steps=steps, span=1 / momentum)
