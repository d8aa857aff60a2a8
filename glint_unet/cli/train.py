"""`glint-unet train` and `python train_glint_unet.py`: a whole training run."""

import os
from collections.abc import Sequence

from glint_unet.cli import shm
from glint_unet.cli.arguments import parse
from glint_unet.cli.launch import LOST_ANOTHER, launch
from glint_unet.config import TrainConfig
from glint_unet.errors import SettingError


def run(argv: Sequence[str], prog: str = "glint-unet train") -> int:
    """Trains as the arguments say; on a resume, flags that are not given keep the value that the run had."""
    config = parse(TrainConfig, argv, prog)
    if config.cleanup_shm:
        if not config.h5:
            raise SettingError("h5_required")
        return shm.remove(config.h5)
    from glint_unet.training.device import choose_device, gpu_numbers  # torch is imported only now: --help stays fast
    from glint_unet.training.group import Group
    from glint_unet.training.loop import train
    from glint_unet.training.resume import find_resume_point
    from glint_unet.training.stop_signals import Interrupted

    if config.resume:
        point = find_resume_point(config.resume, config.output_dir)
        config = parse(TrainConfig, argv, prog, default=point.config)
    is_launched = "RANK" in os.environ
    num_processes = max(len(gpu_numbers(config)), config.processes)
    if num_processes > 1 and not is_launched:
        choose_device(config, Group(size=num_processes))
        return launch(argv, num_processes)
    group = Group.join(int(os.environ["LOCAL_RANK"])) if is_launched else Group()
    try:
        train(config, group)
    except Interrupted as interrupted:
        return 128 + interrupted.signal_number
    except RuntimeError as error:
        if group.is_loss_of_another(error):
            return LOST_ANOTHER  # the launcher names the one that died first
        raise
    finally:
        group.leave()
    return 0
