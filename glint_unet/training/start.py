"""Prepares a new or resumed run: data, device and state, before anything is written."""

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from glint_unet.compute.device import choose_device, use_device
from glint_unet.compute.group import Group
from glint_unet.compute.threads import Threads, choose_threads
from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.split import Split
from glint_unet.data.synthetic.stream import absolute_h5
from glint_unet.errors import DatasetError, SettingError
from glint_unet.model.constellation import Constellation
from glint_unet.model.network import build_network, check_part_sizes
from glint_unet.runs.initial_weights import InitialWeights, initial_weights
from glint_unet.runs.resume_point import ResumePoint, find_resume_point
from glint_unet.runs.run_directory import RunDirectory, new_run_directory
from glint_unet.tracking.tracker_process import tracker_names
from glint_unet.training.batch_size import find_batch_size
from glint_unet.training.resume import check_rows, check_settings, restore_state, with_what_began
from glint_unet.training.run_data import appearance_of, constellation_of, examine, new_split
from glint_unet.training.state import TrainState, new_state
from glint_unet.training.step import part_sizes


@dataclass(frozen=True)
class Start:
    """Everything a run needs to start.

    Attributes:
        config: all settings, including the final run directory, batch size and number of threads.
        info: what the data set declares.
        device: the compute device.
        threads: the number of CPU threads and its reason.
        state: new, or restored from the checkpoint.
        run: the run directory.
        point: the checkpoint to resume from; None for a new run.
        changes: a log line for each setting that differs from the resumed run; of a new run, for its initial weights.
    """

    config: TrainConfig
    info: DatasetInfo
    device: torch.device
    threads: Threads
    state: TrainState
    run: RunDirectory
    point: ResumePoint | None
    changes: list[str]


def prepare(
    config: TrainConfig, group: Group, point: ResumePoint | None, constellation: Constellation | None = None
) -> Start:
    """Checks settings, data and device, and builds or restores the state.

    Args:
        config: all settings.
        group: the process group.
        point: the checkpoint that `config.resume` refers to, if it has already been read.
        constellation: of the LEDs, for a new run; None: that of the rig, or as learnt from the training images.

    Raises:
        GlintError: a mistake of the user.
    """
    if not config.h5:
        raise SettingError("h5_required")
    tracker_names(config.tracker)
    config = dataclasses.replace(config, h5=absolute_h5(config.h5))
    with group.main_first():
        info, md5 = examine(config)
        device = choose_device(config, group)
        use_device(device)
    if (expected := group.broadcast(md5)) != md5:
        raise DatasetError("nodes_other_data", path=config.h5, md5=md5, expected=expected)
    if config.resume and point is None:
        point = group.broadcast(find_resume_point(config.resume, config.output_dir) if group.is_main else None)
    wanted = _threads_wanted(config, point)
    threads = group.broadcast(choose_threads(wanted, group.local_size) if group.is_main else None)
    assert threads is not None
    threads.use()
    config = dataclasses.replace(config, threads=threads.num)
    if config.batch == "auto":
        config = dataclasses.replace(config, batch=_batch_size(config, info, device, group, point))
    with group.main_first():
        changes = check_settings(config, point, md5) if point else []
        initial = initial_weights(config.init, build_network(config, info)) if config.init and not point else None
        if initial:
            changes = [initial.describe(str(config.init))]
        state = _initial_state(config, info, md5, device, group, point, constellation, initial)
    run = RunDirectory(group.broadcast(_run_directory(config, point).path if group.is_main else Path()))
    config = dataclasses.replace(with_what_began(config, point) if point else config, output_dir=str(run.path))
    return Start(config, info, device, threads, state, run, point, changes)


def _threads_wanted(config: TrainConfig, point: ResumePoint | None) -> int:
    """The number of threads that was requested; otherwise that of the resumed run, as sums depend on it; 0: neither."""
    if point and config.processes != point.config.processes and config.threads == point.config.threads:
        return 0  # that of the run was for another number of processes
    return config.threads or (point.config.threads if point else 0)


def _batch_size(
    config: TrainConfig, info: DatasetInfo, device: torch.device, group: Group, point: ResumePoint | None
) -> int:
    """The batch size for `--batch auto`: that of the resumed run, else what the GPUs can hold."""
    if point:
        return point.config.batch_size
    return group.broadcast(find_batch_size(config, info, device, group.size) if group.is_main else 0)


def _initial_state(
    config: TrainConfig,
    info: DatasetInfo,
    md5: str,
    device: torch.device,
    group: Group,
    point: ResumePoint | None,
    known: Constellation | None,
    initial: InitialWeights | None,
) -> TrainState:
    if point:
        check_rows(point, info)
    split = point.state.split if point else new_split(config, info)
    check_part_sizes(config, info, part_sizes(len(split.train), config, group))
    record = {"md5": md5, **info.to_dict(), **_learnt(config, info, split, point, known)}
    state = new_state(config, info, device, split, record, initial.taken if initial else None)
    if point:
        restore_state(state, point)
    return state


def _learnt(
    config: TrainConfig, info: DatasetInfo, split: Split, point: ResumePoint | None, known: Constellation | None
) -> dict[str, Any]:
    """What a run records of the content of its data; a resumed run keeps it, or continues without."""
    if point:
        recorded = point.state.dataset
        return {name: recorded[name] for name in ("constellation", "appearance") if name in recorded}
    constellation = known or constellation_of(config, info, split)
    appearance = {"appearance": appearance_of(config, info, split).to_dict()}
    return appearance | ({"constellation": constellation.to_dict()} if constellation else {})


def _run_directory(config: TrainConfig, point: ResumePoint | None) -> RunDirectory:
    """The directory of the checkpoint, unless a different one was requested."""
    if point and (config.output_dir is None or Path(config.output_dir).resolve() == point.run.path.resolve()):
        return point.run
    return new_run_directory(config.output_dir)
