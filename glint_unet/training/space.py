"""The disk space that the checkpoints of a run need."""

import shutil

from glint_unet.config import TrainConfig
from glint_unet.errors import SpaceError
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.state import TrainState


def check_space_of_run(config: TrainConfig, run: RunDirectory, state: TrainState) -> None:
    """Raises SpaceError before training starts if the disk cannot hold the checkpoints of the run."""
    weights = sum(t.numel() * t.element_size() for t in state.network.state_dict().values())
    full = weights * ((1 if config.no_save_optimizer else 3) + (state.average is not None))
    num_numbered = min(config.keep_last_n + 1, config.epochs // config.save_freq) if config.save_freq else 0
    num_files = 3 + num_numbered  # latest, best, the one being written
    need, free = num_files * full + 2 * weights, shutil.disk_usage(run.path).free
    if need > free:
        raise SpaceError("disk_too_small", path=run.path, need_mb=need // 2**20 + 1, free_mb=free // 2**20)
