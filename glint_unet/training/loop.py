"""The whole run, top to bottom."""

import contextlib
import dataclasses
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from tqdm import tqdm

from glint_unet.compute.device import choose_device, use_device, use_threads
from glint_unet.compute.group import Group
from glint_unet.compute.profile import profiled
from glint_unet.compute.stop_signals import Interrupted, StopSignals
from glint_unet.config import TrainConfig
from glint_unet.data.augment import sample_augmentation
from glint_unet.data.batch import Batch, Rows
from glint_unet.data.dataset_file import DatasetInfo
from glint_unet.data.prefetch import ready_for
from glint_unet.data.sources import Source
from glint_unet.data.split import Split, epoch_batches
from glint_unet.errors import NonFiniteLossError, SettingError
from glint_unet.messages import set_language
from glint_unet.model.network import check_part_sizes
from glint_unet.runs.run_directory import RunDirectory, new_run_directory
from glint_unet.training.batch_size import find_batch_size
from glint_unet.training.record import Follower, RunRecord
from glint_unet.training.results import draw_results
from glint_unet.training.resume import ResumePoint, check_settings, find_resume_point, restore_state
from glint_unet.training.run_data import examine, new_split, open_data
from glint_unet.training.state import TrainState, new_state
from glint_unet.training.step import part_sizes, train_step, validate
from glint_unet.training.step_clock import StepClock

_STEPS_BETWEEN_CHECKS = 64


def train(config: TrainConfig, group: Group | None = None) -> Path:
    """Trains until `config.epochs` epochs are done, keeping everything in one run directory.

    Args:
        config: all settings; `config.resume` goes on with an earlier run.
        group: the processes that train together, this one among them; None: this one alone.

    Returns:
        The run directory.

    Raises:
        GlintError: whatever the user can get wrong; nothing that was there before is overwritten.
        Interrupted: SIGINT, SIGTERM or SIGUSR1 came; the state is saved and can be resumed.
    """
    # data, device, state: all that can be refused is refused before anything is written
    set_language(config.lang)
    if not config.h5:
        raise SettingError("h5_required")
    group = group or Group()
    with group.main_first():
        info, md5 = examine(config)
        device = choose_device(config, group)
        use_device(device)
        use_threads(config.threads, group.size)
        point = find_resume_point(config.resume, config.output_dir) if config.resume else None
    if config.batch == "auto":
        config = dataclasses.replace(config, batch=_batch_size(config, info, device, group, point))
    with group.main_first():
        changes = check_settings(config, point, md5) if point else []
        state = _initial_state(config, info, md5, device, group, point)
    run = RunDirectory(group.broadcast(_run_directory(config, point).path if group.is_main else Path()))
    config = dataclasses.replace(config, output_dir=str(run.path))
    state.forward = group.distributed(state.network, device)

    with (
        run.locked() if group.is_main else contextlib.nullcontext(),
        StopSignals() as stop,
        contextlib.closing(open_data(config, info, device, group.size)) as source,
        profiled(config.profile if group.is_main else 0, run.trace, device) as step_done,
    ):
        record = RunRecord(config, run, state) if group.is_main else Follower(config, run, state)
        between = _BetweenSteps(group, record, stop, step_done)
        record.begin(source, device, group.size, point, changes)
        if state.epoch >= config.epochs:
            record.nothing_to_do()
            return run.path
        started = time.monotonic()
        while state.epoch < config.epochs:
            try:
                _train_epoch(config, state, source, device, group, between)
                val_started = time.monotonic()
                val_batches = ready_for(device, source.batches(_val_batches(config, state)))
                judged = validate(state.judged, stop.cut_short(val_batches), device, config, info)
                between.leave_if_asked()
                record.finish_epoch(*group.broadcast(judged), time.monotonic() - val_started)
            except NonFiniteLossError as error:
                record.roll_back(error)
                group.barrier()
        if group.is_main:
            draw_results(run, source, state, config, record.log.history, device)
        record.finished(time.monotonic() - started)
    return run.path


def _train_epoch(
    config: TrainConfig,
    state: TrainState,
    source: Source,
    device: torch.device,
    group: Group,
    between: "_BetweenSteps",
) -> None:
    """The rest of the epoch under way: all of it, or what an interrupted run left."""
    progress, epoch = state.progress, state.epoch + 1
    rows = source.rows_of_epoch(epoch_batches(state.split.train, config.batch_size, config.seed, epoch), epoch)
    state.network.train()
    clock = StepClock(device, progress)
    rest = rows[progress.batches_done :]
    shares = [group.shard(batch_rows) for batch_rows in rest]
    gathered = ready_for(device, source.batches([mine for mine, _ in shares]))
    batches = _with_bar(config, epoch, len(rows), progress.batches_done, gathered, hidden=not group.is_main)
    for batch_rows, (mine, weight), batch in zip(rest, shares, batches, strict=True):
        with clock.step():
            state.set_learning_rate(config, len(rows))
            draws = (
                sample_augmentation(config.seed, epoch, mine, source.info.num_classes).to(device)
                if config.augment
                else None
            )
            terms = train_step(state, batch.to(device), draws, config, source.info, weight)
            progress.add(group.mean(terms), len(batch_rows))
            if device.type == "cpu" or progress.batches_done % _STEPS_BETWEEN_CHECKS == 0:
                progress.check_finite(epoch)
        between.come_by(clock)
    clock.pause()
    progress.check_finite(epoch)


class _BetweenSteps:
    """What is looked after between two steps: a signal to stop, a save that is due, a trace that counts steps."""

    def __init__(self, group: Group, record: RunRecord, stop: StopSignals, step_done: Callable[[], None]) -> None:
        self._group = group
        self._record = record
        self._stop = stop
        self._step_done = step_done

    def come_by(self, clock: StepClock) -> None:
        """After each step; saving is no part of the time of steps."""
        self._step_done()
        stop_signal = self._group.all_reduce_max(self._stop.received)
        if stop_signal is not None or self._record.save_is_due():
            clock.pause()
            self._leave(stop_signal)
            self._record.save_latest()
            clock.restart()

    def leave_if_asked(self) -> None:
        """Saves and raises Interrupted where any process of the group was told to stop."""
        self._leave(self._group.all_reduce_max(self._stop.received))

    def _leave(self, stop_signal: int | None) -> None:
        if stop_signal is not None:
            self._record.interrupted(signal.Signals(stop_signal).name)
            self._group.barrier()  # until it is saved
            raise Interrupted(stop_signal)


def _with_bar(
    config: TrainConfig, epoch: int, total: int, done: int, batches: Iterator[Batch], *, hidden: bool
) -> Iterator[Batch]:
    title = f"Epoch {epoch:03d}/{config.epochs:03d}"
    disable = None if config.progress and not hidden else True  # None: shown where the console is a terminal
    return iter(tqdm(batches, desc=title, total=total, initial=done, disable=disable, leave=False, unit="batch"))


def _val_batches(config: TrainConfig, state: TrainState) -> list[Rows]:
    val, size = state.split.val, config.batch_size
    return [val[k : k + size] for k in range(0, len(val), size)]


def _batch_size(
    config: TrainConfig, info: DatasetInfo, device: torch.device, group: Group, point: ResumePoint | None
) -> int:
    """What `--batch auto` means: on a resume what the run has, else what the GPUs hold."""
    if point:
        return point.config.batch_size
    return group.broadcast(find_batch_size(config, info, device, group.size) if group.is_main else 0)


def _initial_state(
    config: TrainConfig, info: DatasetInfo, md5: str, device: torch.device, group: Group, point: ResumePoint | None
) -> TrainState:
    split = Split.from_dict(point.content["split"]) if point else new_split(config, info)
    check_part_sizes(config, info, part_sizes(len(split.train), config, group))
    init = Path(config.init) if config.init and not point else None
    state = new_state(config, info, device, split, {"md5": md5, **info.to_dict()}, init)
    if point:
        restore_state(state, point)
    return state


def _run_directory(config: TrainConfig, point: ResumePoint | None) -> RunDirectory:
    """The checkpoint's own directory, unless another one was asked for."""
    if point and (config.output_dir is None or Path(config.output_dir).resolve() == point.run.path.resolve()):
        return point.run
    return new_run_directory(config.output_dir)
