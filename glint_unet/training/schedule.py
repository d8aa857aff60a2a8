"""The learning-rate schedule, and how warm-up and statistics are scaled in runs of few steps."""

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from glint_unet.config import TrainConfig

LEAST_SHARE = 0.02

USUAL_MOMENTUM = 0.1
"""Momentum of batch normalisation in PyTorch: the running statistics span ten steps."""

WARMUP_STEPS = 100
"""What `--warmup_steps auto` means in runs that are not scaled."""

_LONG_STEPS = 1000  # runs of at least this many steps are not scaled


def steps_per_epoch(config: TrainConfig, num_images: int) -> int:
    """Optimizer steps per epoch of `num_images` training images."""
    return -(-num_images // config.batch_size)


def learning_rate(config: TrainConfig, epoch_steps: int, steps: int, epochs_done: float, rollbacks: int = 0) -> float:
    """Warm-up, plateau, cool-down (Zhai et al., "Scaling vision transformers", CVPR 2022, section 3.5).

    In runs of 1000 steps or more, only the cool-down depends on `--epochs`. A run resumed with more epochs from a
    checkpoint before its cool-down is therefore identical, bit for bit, to one started with that number of epochs;
    resumed later, the rate rises again. In shorter runs the warm-up depends on `--epochs` too, unless it was set.

    Args:
        config: lr, warmup_steps, cooldown, epochs.
        epoch_steps: optimizer steps per epoch.
        steps: optimizer steps taken.
        epochs_done: completed epochs, including the fraction of the current one.
        rollbacks: number of rollbacks; each halves the rate.
    """
    num_warm = warmup_steps(config, epoch_steps)
    warm = min(1.0, (steps + 1) / num_warm) if num_warm else 1.0
    left = 1 - epochs_done / config.epochs
    cool = min(1.0, max(LEAST_SHARE, left / config.cooldown)) if config.cooldown else 1.0
    return config.lr * warm * cool * 0.5**rollbacks


def warmup_steps(config: TrainConfig, epoch_steps: int) -> int:
    """Length of the warm-up in steps: as set; 'auto' is 100, but at most a tenth of a run of fewer than 1000 steps."""
    if config.warmup_steps != "auto":
        return config.warmup_steps
    total = epoch_steps * config.epochs
    return WARMUP_STEPS if total >= _LONG_STEPS else min(WARMUP_STEPS, total // 10)


def statistics_momentum(config: TrainConfig, epoch_steps: int) -> float:
    """Momentum of the running statistics of batch normalisation, which validation uses.

    They span ten steps, but in runs of fewer than 1000 steps at most half an epoch: otherwise the first epochs would be
    validated with the statistics of random weights (docs/experiments.md). The moving average of the weights needs no
    such rule: its decay rises with the steps taken (see `ema`). Without an average (`ema_decay` 0, as in the original
    recipe) PyTorch's default applies.
    """
    if epoch_steps * config.epochs >= _LONG_STEPS or not config.ema_decay:
        return USUAL_MOMENTUM
    return min(1.0, max(USUAL_MOMENTUM, 2 / epoch_steps))


def set_statistics_momentum(network: nn.Module, momentum: float) -> None:
    """Sets the momentum of every batch-normalisation layer of a network."""
    for module in network.modules():
        if isinstance(module, _BatchNorm):
            module.momentum = momentum
