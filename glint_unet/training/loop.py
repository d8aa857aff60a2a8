"""The training loop: a whole run, from top to bottom."""

import contextlib
import signal
import time
from collections.abc import Callable
from pathlib import Path

import torch
from tqdm import tqdm

from glint_unet.compute.group import Group
from glint_unet.compute.profile import profiled
from glint_unet.compute.stop_signals import Interrupted, StopSignals
from glint_unet.config import TrainConfig
from glint_unet.data.augment import Draws, sample_augmentation
from glint_unet.data.batch import Rows
from glint_unet.data.prefetch import ready_for
from glint_unet.data.source import Source
from glint_unet.data.split import epoch_batches
from glint_unet.errors import NonFiniteLossError
from glint_unet.messages import set_language, text
from glint_unet.model.constellation import Constellation
from glint_unet.runs.resume_point import ResumePoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import FINISHED
from glint_unet.runs.training_log import TextLog
from glint_unet.training.epoch_bar import EpochBar
from glint_unet.training.heartbeat import Heartbeat
from glint_unet.training.record import RunRecord
from glint_unet.training.resume import go_back
from glint_unet.training.run_data import open_data
from glint_unet.training.start import prepare
from glint_unet.training.state import TrainState
from glint_unet.training.step import train_step, validate
from glint_unet.training.step_clock import StepClock

_STEPS_BETWEEN_CHECKS = 64


def train(
    config: TrainConfig,
    group: Group | None = None,
    point: ResumePoint | None = None,
    constellation: Constellation | None = None,
    command: str = "",
) -> Path:
    """Trains up to epoch `config.epochs` and writes everything to one run directory.

    Args:
        config: all settings; `config.resume` continues an earlier run.
        group: the process group that trains together; None: this process alone.
        point: the checkpoint that `config.resume` refers to, if the caller has already read it.
        constellation: of the LEDs, for a new run; None: that of the rig, or as learnt from the training images.
        command: the command line, for the record of the run.

    Returns:
        The run directory.

    Raises:
        GlintError: a mistake of the user; existing files are not overwritten.
        Interrupted: SIGINT, SIGTERM or SIGUSR1 was received; the state is saved and can be resumed.
    """
    set_language(config.lang)
    group = group or Group()
    # data, device, state: everything that can be refused is refused before anything is written
    start = prepare(config, group, point, constellation)
    config, state, run, device, point = start.config, start.state, start.run, start.device, start.point
    if point and (state.epoch >= config.epochs or state.is_stalled(config.patience)):
        if group.is_main:
            _report_nothing_to_do(run, point, config, state)
        return point.run.path
    state.forward = group.distributed(state.network, device)

    with (
        run.locked() if group.is_main else contextlib.nullcontext(),
        StopSignals() as stop,
        contextlib.closing(open_data(config, start.info, device, group.size)) as source,
        profiled(
            config.profile if group.is_main else 0, run.trace, device, _num_steps_left(config, state)
        ) as step_done,
        contextlib.ExitStack() as at_end,
    ):
        record = RunRecord(config, run, state) if group.is_main else None  # one process writes
        if record:
            record.begin(source, device, group, start.threads, point, start.changes, command)
            at_end.enter_context(record.failure_noted())
        started = time.monotonic()
        while state.epoch < config.epochs and not group.broadcast(state.is_stalled(config.patience)):
            try:
                _train_epoch(config, state, source, device, group, record, stop, step_done)
                val_started = time.monotonic()
                val_batches = stop.cut_short(ready_for(device, source.batches(_val_batches(config, state))))
                validated = validate(state.judged, val_batches, device, config, start.info, state.constellation)
                _leave_if_stopped(stop, group, record)
                val_metrics, confusion = group.broadcast(validated)
                result = state.finish_epoch(val_metrics, config.best_metric)
                if record:
                    record.finish_epoch(result, confusion, time.monotonic() - val_started)
            except NonFiniteLossError as error:
                go_back(state, run, config, error, group)
                if record:
                    record.rolled_back(error)
                group.barrier()
        if record:
            record.finished(time.monotonic() - started)
    return run.path


def _num_steps_left(config: TrainConfig, state: TrainState) -> int:
    """The number of steps from here to the end of the run."""
    steps_per_epoch = -(-len(state.split.train) // config.batch_size)
    return steps_per_epoch * (config.epochs - state.epoch) - state.progress.batches_done


def _train_epoch(
    config: TrainConfig,
    state: TrainState,
    source: Source,
    device: torch.device,
    group: Group,
    record: RunRecord | None,
    stop: StopSignals,
    step_done: Callable[[], None],
) -> None:
    """Trains the rest of the current epoch: all of it, or what an interruption left undone."""
    progress, epoch = state.progress, state.epoch + 1
    rows = source.rows_of_epoch(epoch_batches(state.split.train, config.batch_size, config.seed, epoch), epoch)
    rest = rows[progress.batches_done :]
    shares = [group.shard(batch_rows) for batch_rows in rest]
    gathered = ready_for(device, source.batches([local_rows for local_rows, _ in shares]))
    bar = EpochBar(state, config.epochs, len(rows), is_shown=config.progress and group.is_main)
    state.network.train()
    if record:
        record.heartbeat.outlook.begin_epoch(progress.batches_done)
    clock = StepClock(device, progress)
    for batch_rows, (local_rows, weight), batch in zip(rest, shares, bar.over(gathered), strict=True):
        with clock.step():
            state.set_learning_rate(config, len(rows))
            draws = _draws(config, epoch, local_rows, source, device)
            terms = train_step(state, batch.to(device), draws, config, source.info, weight)
            progress.add(group.mean(terms), len(batch_rows))
            if device.type == "cpu" or progress.batches_done % _STEPS_BETWEEN_CHECKS == 0:
                progress.check_finite(epoch)
                bar.show(record.heartbeat.remaining_s() if record else None)
        step_done()
        if record:
            record.heartbeat.end_step()
        if record and (record.fewer_threads() or record.save_is_due()):
            clock.pause()
            record.save_latest()
            clock.restart()
        _leave_if_stopped(stop, group, record, clock)
    clock.pause()
    progress.check_finite(epoch)


def _draws(config: TrainConfig, epoch: int, rows: Rows, source: Source, device: torch.device) -> Draws | None:
    if not config.augment:
        return None
    return sample_augmentation(config.seed, epoch, rows, source.info.num_classes).to(device)


def _leave_if_stopped(
    stop: StopSignals, group: Group, record: RunRecord | None, clock: StepClock | None = None
) -> None:
    """Saves the state and raises Interrupted if any process of the group has received a stop signal."""
    stop_signal = group.all_reduce_max(stop.received)
    if stop_signal is None:
        return
    if clock:
        clock.pause()
    if record:
        record.interrupted(signal.Signals(stop_signal).name)
    group.barrier()  # wait for the main process to save
    raise Interrupted(stop_signal)


def _val_batches(config: TrainConfig, state: TrainState) -> list[Rows]:
    val, size = state.split.val, config.batch_size
    return [val[k : k + size] for k in range(0, len(val), size)]


def _report_nothing_to_do(run: RunDirectory, point: ResumePoint, config: TrainConfig, state: TrainState) -> None:
    """Reports to the log of the finished run; a requested directory that does not exist is not created."""
    messages = [text("checkpoint_passed_over", reason=error) for error in point.passed_over]
    if state.epoch >= config.epochs:
        messages.append(text("nothing_to_do", epoch=state.epoch, epochs=config.epochs))
    else:
        messages.append(text("nothing_to_do_stalled", epoch=state.best.epoch, patience=config.patience))
    with run.locked():
        say = TextLog(run.path).log if run.holds_a_run() else tqdm.write
        for message in messages:
            say(message)
        if run.holds_a_run():  # a kill after the last epoch may have left another status
            Heartbeat(run, config, state, lambda: point.state.history).write(FINISHED)
