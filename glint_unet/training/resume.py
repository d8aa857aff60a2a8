"""Resuming: compares the requested settings with those of the run, and restores its state from a checkpoint."""

import dataclasses

from glint_unet.compute.group import Group
from glint_unet.config import TrainConfig, setting_names
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.errors import NonFiniteLossError, ResumeError
from glint_unet.messages import text
from glint_unet.runs.loading import check_fits, load_into
from glint_unet.runs.resume_point import ResumePoint, find_resume_point
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.state import TrainState

MOST_ROLLBACKS = 3

_ONLY_AT_THE_START = ("val_split", "init")


def check_settings(config: TrainConfig, point: ResumePoint, dataset_md5: str) -> list[str]:
    """Refuses settings that a resume may not change, and describes those that do change.

    Args:
        config: the requested settings.
        point: the checkpoint to resume from.
        dataset_md5: MD5 of the requested data set.

    Returns:
        A log line for each changed setting.

    Raises:
        ResumeError: the settings differ (the message lists them), the data set is a different one, or
            `--allow_changed` names an unknown setting.
    """
    allowed = {name.strip() for name in config.allow_changed.split(",") if name.strip()}
    if unknown := allowed - setting_names():
        raise ResumeError("resume_unknown_setting", names=", ".join(sorted(unknown)))
    was = point.state.dataset["md5"]
    if dataset_md5 != was and "h5" not in allowed:
        raise ResumeError("resume_other_dataset", path=config.h5, md5=dataset_md5, was=was)
    refused = {n: pair for n, pair in config.fixed_differences(point.config).items() if n not in allowed}
    if refused:
        listed = ", ".join(f"--{name} {was} -> {now}" for name, (was, now) in refused.items())
        raise ResumeError("resume_settings_differ", listed=listed, names=",".join(refused))
    lines = []
    for name, (was, now) in config.differences(point.config).items():
        if name in _ONLY_AT_THE_START:
            lines.append(text("setting_without_effect", name=name, was=was, now=now))
        elif name != "output_dir":
            lines.append(text("setting_changed", name=name, was=was, now=now))
    return lines


def with_what_began(config: TrainConfig, point: ResumePoint) -> TrainConfig:
    """The settings, except that those which take effect only at the start of a run keep their original values."""
    began = point.config
    return dataclasses.replace(config, **{name: getattr(began, name) for name in _ONLY_AT_THE_START})


def check_rows(point: ResumePoint, info: DatasetInfo) -> None:
    """Refuses a data set that lacks images of the split, which `--allow_changed h5` makes possible.

    Raises:
        ResumeError: the data set has too few images.
    """
    split = point.state.split
    need = 1 + max(int(rows.max()) for rows in (split.train, split.val))
    if need > info.num_images:
        raise ResumeError("resume_fewer_images", path=info.path, num=info.num_images, need=need)


def restore_state(state: TrainState, point: ResumePoint) -> None:
    """Restores a state from a checkpoint; an optimizer whose state was not saved starts from scratch."""
    checkpoint, saved = point.checkpoint, point.state
    average = checkpoint.deployed_weights
    if state.average is not None:
        check_fits(average, state.average, point.path)
    load_into(checkpoint, state.network, state.optimizer)
    if state.average is not None:
        state.average.load_state_dict(average)
    if checkpoint.optimizer is None:
        state.optimizer.state.clear()
    if checkpoint.scaler:  # empty if the precision needs no loss scaling
        state.scaler.load_state_dict(checkpoint.scaler)
    state.rollbacks = saved.rollbacks
    state.steps = saved.steps
    state.epoch = checkpoint.epoch
    state.metrics = checkpoint.metrics
    state.best = saved.best
    state.progress = dataclasses.replace(saved.progress)


def go_back(state: TrainState, run: RunDirectory, config: TrainConfig, error: NonFiniteLossError, group: Group) -> None:
    """Restores the last checkpoint, read by the main process, and halves the learning rate, or raises `error`.

    Raises:
        NonFiniteLossError: `--on_nan` is stop, or there were `MOST_ROLLBACKS` rollbacks already.
    """
    rollbacks = state.rollbacks
    if config.on_nan == "stop" or rollbacks >= MOST_ROLLBACKS:
        raise error
    point = group.broadcast(find_resume_point(str(run.path), None) if group.is_main else None)
    assert point is not None
    restore_state(state, point)
    state.rollbacks = (
        rollbacks + 1
    )  # not saved.rollbacks: another process of the group may already have saved its count
