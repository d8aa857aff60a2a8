"""The learning rate as a function of the place in the run."""

from glint_unet.config import TrainConfig

LEAST_SHARE = 0.02


def learning_rate(config: TrainConfig, steps: int, epochs_done: float, rollbacks: int = 0) -> float:
    """Warm-up, plateau, cool-down (Zhai et al., "Scaling vision transformers", CVPR 2022, section 3.5).

    Only the cool-down depends on `--epochs`. So a run that is resumed with more epochs from a checkpoint before its
    cool-down is, bit for bit, the run that was planned so long from the start; resumed later, the rate rises again.

    Args:
        config: lr, warmup_steps, cooldown, epochs.
        steps: optimizer steps taken.
        epochs_done: epochs done, with the fraction of the one under way.
        rollbacks: each halves the rate.
    """
    warm = min(1.0, (steps + 1) / config.warmup_steps) if config.warmup_steps else 1.0
    left = 1 - epochs_done / config.epochs
    cool = min(1.0, max(LEAST_SHARE, left / config.cooldown)) if config.cooldown else 1.0
    return config.lr * warm * cool * 0.5**rollbacks
