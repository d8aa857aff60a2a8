"""`glint-unet train` and `python train_glint_unet.py`: trains a glint detector."""

import dataclasses
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from glint_unet.cli import shm
from glint_unet.cli.arguments import flags_on_line, parse, value_on_line
from glint_unet.cli.config_file import with_config_file
from glint_unet.cli.elastic import is_launched, joined_group, resumed_if_restarted
from glint_unet.cli.launch import LOST_ANOTHER, launch, leave_at_once
from glint_unet.config import RECIPES, TrainConfig
from glint_unet.errors import NonFiniteLossError, SettingError, one_line
from glint_unet.messages import text
from glint_unet.own_command import own_command

if TYPE_CHECKING:
    from glint_unet.compute.group import Group
    from glint_unet.runs.resume_point import ResumePoint

ARGUMENTS = TrainConfig

_ONE_CHOICE = (frozenset({"cache", "shared_memory", "preload"}), frozenset({"gpu", "processes"}))


def run(argv: Sequence[str], prog: str = "glint-unet train") -> int:
    """Trains according to the arguments; on a resume, flags that are not given keep the values of the run."""
    command = own_command(["train", *argv])
    argv = with_config_file(argv, TrainConfig)
    if is_launched() and not {"-h", "--help"} & set(argv):
        group = joined_group()
        leave_at_once(lambda words: _run_in_group(words, prog, command, group), argv)
    return _run(argv, prog, command, None)


def _run_in_group(argv: Sequence[str], prog: str, command: str, group: "Group") -> int:
    """Runs one process of a group."""
    try:
        return _run(resumed_if_restarted(argv, group), prog, command, group)
    except RuntimeError as error:
        if group.is_loss_of_another(error):
            print(text("rank_lost", rank=group.rank, reason=one_line(error)), file=sys.stderr)
            return LOST_ANOTHER  # the launcher reports the first process that died
        raise


def _run(argv: Sequence[str], prog: str, command: str, group: "Group | None") -> int:
    point = _resume_point_on_line(argv, group)  # read first: flags are checked together with the settings of the run
    default = _defaults_of_resume(point.config, flags_on_line(TrainConfig, argv)) if point else TrainConfig()
    config = parse_training(argv, prog, default)
    if config.cleanup_shm:
        if not config.h5:
            raise SettingError("h5_required")
        return shm.remove(config.h5)
    from glint_unet.compute.device import choose_device, gpu_numbers  # torch is imported only now: --help stays fast
    from glint_unet.compute.group import Group

    num_processes = max(len(gpu_numbers(config)), config.processes)
    if num_processes > 1 and group is None:
        choose_device(config, Group(size=num_processes))
        return launch(argv, num_processes)
    return _train(config, group or Group(), point, command)


def parse_training(argv: Sequence[str], prog: str, default: TrainConfig) -> TrainConfig:
    """Parses the flags of a training; `--recipe` is read before all others, since it sets their defaults.

    Args:
        argv: the arguments.
        prog: the program name.
        default: the values of flags that are not given.

    Raises:
        SettingError: an unknown flag, or a value of the wrong type or out of range.
    """
    named = value_on_line(argv, "recipe")
    recipe = named if named in RECIPES else default.recipe
    return parse(TrainConfig, argv, prog, default=default.with_recipe(recipe))


def _resume_point_on_line(argv: Sequence[str], group: "Group | None") -> "ResumePoint | None":
    """The checkpoint that `--resume` means; None without it, or where the line asks for help.

    In a group, the main process reads it, so that the other nodes need no run directory.
    """
    resume = value_on_line(argv, "resume")
    if not resume or {"-h", "--help"} & set(argv):
        return None
    from glint_unet.runs.resume_point import find_resume_point

    output_dir = value_on_line(argv, "output_dir") or None
    if group is None:
        return find_resume_point(resume, output_dir)
    return group.broadcast(find_resume_point(resume, output_dir) if group.is_main else None)


def _defaults_of_resume(config: TrainConfig, given: frozenset[str]) -> TrainConfig:
    """The settings of the run as defaults, except those that would contradict a flag on the command line.

    Several flags control where the data is held, and several select the device; if one of them is given, the others
    return to their standard defaults.
    """
    replaced = {name for flags in _ONE_CHOICE if given & flags for name in flags - given}
    if "device" in given and "gpu" not in given:
        replaced.add("gpu")
    return dataclasses.replace(config, **{name: getattr(TrainConfig(), name) for name in replaced})


def _train(config: TrainConfig, group: "Group", point: "ResumePoint | None", command: str) -> int:
    from glint_unet.compute.stop_signals import Interrupted
    from glint_unet.training.loop import train

    try:
        train(config, group, point, command=command)
    # raised in all processes alike: the main process reports it and sets the exit status
    except Interrupted as interrupted:
        return 128 + interrupted.signal_number if group.is_main else 0
    except NonFiniteLossError:
        if group.is_main:
            raise
        return 0
    return 0
