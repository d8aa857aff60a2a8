"""`glint-unet train` and `python train_glint_unet.py`: a whole training run."""

from collections.abc import Sequence

from glint_unet.cli import shm
from glint_unet.cli.arguments import parse
from glint_unet.config import TrainConfig
from glint_unet.errors import SettingError


def run(argv: Sequence[str], prog: str = "glint-unet train") -> int:
    """Trains as the arguments say; on a resume, flags that are not given keep the value that the run had."""
    config = parse(TrainConfig, argv, prog)
    if config.cleanup_shm:
        if not config.h5:
            raise SettingError("h5_required")
        return shm.remove(config.h5)
    from glint_unet.training.loop import train  # torch is imported only now: --help stays fast
    from glint_unet.training.resume import find_resume_point
    from glint_unet.training.stop_signals import Interrupted

    if config.resume:
        point = find_resume_point(config.resume, config.output_dir)
        config = parse(TrainConfig, argv, prog, default=point.config)
    try:
        train(config)
    except Interrupted as interrupted:
        return 128 + interrupted.signal_number
    return 0
