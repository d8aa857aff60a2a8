"""The whole run, top to bottom."""

import contextlib
import dataclasses
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm import tqdm

from glint_unet.config import TrainConfig
from glint_unet.data.augment import draw, flip_permutation
from glint_unet.data.batches import Batch, Rows, Source, open_source
from glint_unet.data.dataset_file import DatasetInfo, inspect_dataset
from glint_unet.data.prefetch import ready_for
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.data.split import Split, draw_split, epoch_batches
from glint_unet.data.stream import SyntheticStream, is_stream
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import NonFiniteLossError, SettingError
from glint_unet.messages import set_language
from glint_unet.model.network import build_network, check_part_sizes
from glint_unet.training.checkpoint import load_deployed_weights
from glint_unet.training.device import choose_device, use_threads
from glint_unet.training.ema import averaged_copy
from glint_unet.training.group import Group
from glint_unet.training.pictures import draw_results
from glint_unet.training.profile import profiled
from glint_unet.training.record import Follower, RunRecord
from glint_unet.training.resume import ResumePoint, check_settings, find_resume_point, restore_state
from glint_unet.training.run_directory import RunDirectory, new_run_directory
from glint_unet.training.state import TrainState
from glint_unet.training.step import part_sizes, train_step, validate
from glint_unet.training.step_clock import StepClock
from glint_unet.training.stop_signals import Interrupted, StopSignals

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
        info, md5 = _examine(config)
        device = choose_device(config, group)
        use_threads(config.threads, group.size)
        point = find_resume_point(config.resume, config.output_dir) if config.resume else None
        changes = check_settings(config, point, md5) if point else []
        state = _initial_state(config, info, md5, device, group, point)
    run = RunDirectory(group.from_main(_run_directory(config, point).path if group.is_main else Path()))
    config = dataclasses.replace(config, output_dir=str(run.path))
    state.forward = _called_in_training(state.network, config, device, group)

    with (
        run.locked() if group.is_main else contextlib.nullcontext(),
        StopSignals() as stop,
        contextlib.closing(_source(config, info, device, group)) as source,
        profiled(config.profile if group.is_main else 0, run, device) as step_done,
    ):
        record = RunRecord(config, run, state) if group.is_main else Follower(config, run, state)
        record.begin(source, device, group.size, point, changes)
        if state.epoch >= config.epochs:
            record.nothing_to_do()
            return run.path
        started = time.monotonic()
        while state.epoch < config.epochs:
            try:
                _train_epoch(config, state, source, device, group, record, stop, step_done)
                val_started = time.monotonic()
                val_batches = ready_for(device, source.batches(_val_batches(config, state)))
                judged = validate(state.judged, stop.cut_short(val_batches), device, config, info)
                _leave_if_asked(group.agree(stop.received), group, record)
                record.finish_epoch(*group.from_main(judged), time.monotonic() - val_started)
            except NonFiniteLossError as error:
                record.roll_back(error)
                group.wait()
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
    record: RunRecord,
    stop: StopSignals,
    step_done: Callable[[], None],
) -> None:
    """The rest of the epoch under way: all of it, or what an interrupted run left."""
    progress, epoch = state.progress, state.epoch + 1
    rows = epoch_batches(state.split.train, config.batch, config.seed, epoch)
    if isinstance(source, SyntheticStream):
        rows = source.rows_of_epoch(rows, epoch)
    state.network.train()
    clock = StepClock(device, progress)
    rest = rows[progress.batches_done :]
    shares = [group.share(batch_rows) for batch_rows in rest]
    gathered = ready_for(device, source.batches([mine for mine, _ in shares]))
    batches = _with_bar(config, epoch, len(rows), progress.batches_done, gathered, hidden=not group.is_main)
    for batch_rows, (mine, weight), batch in zip(rest, shares, batches, strict=True):
        with clock.step():
            state.set_learning_rate(config, len(rows))
            draws = draw(config.seed, epoch, mine, source.info.num_classes) if config.augment else None
            terms = train_step(state, batch.to(device), draws, config, source.info, weight)
            progress.add(group.mean(terms), len(batch_rows))
            if device.type == "cpu" or progress.batches_done % _STEPS_BETWEEN_CHECKS == 0:
                progress.check_finite(epoch)
        step_done()
        stop_signal = group.agree(stop.received)
        if stop_signal is not None or record.save_is_due():
            clock.pause()
            _leave_if_asked(stop_signal, group, record)
            record.save_latest()
            clock.restart()
    clock.pause()
    progress.check_finite(epoch)


def _leave_if_asked(stop_signal: int | None, group: Group, record: RunRecord) -> None:
    if stop_signal is not None:
        record.interrupted(signal.Signals(stop_signal).name)
        group.wait()  # until it is saved
        raise Interrupted(stop_signal)


def _with_bar(
    config: TrainConfig, epoch: int, total: int, done: int, batches: Iterator[Batch], *, hidden: bool
) -> Iterator[Batch]:
    title = f"Epoch {epoch:03d}/{config.epochs:03d}"
    disable = None if config.progress and not hidden else True  # None: shown where the console is a terminal
    return iter(tqdm(batches, desc=title, total=total, initial=done, disable=disable, leave=False, unit="batch"))


def _val_batches(config: TrainConfig, state: TrainState) -> list[Rows]:
    return [state.split.val[k : k + config.batch] for k in range(0, len(state.split.val), config.batch)]


def _initial_state(
    config: TrainConfig, info: DatasetInfo, md5: str, device: torch.device, group: Group, point: ResumePoint | None
) -> TrainState:
    if point:
        split = Split.from_dict(point.content["split"])
    elif is_stream(config.h5):
        split = SyntheticStream(config.h5, seed=config.seed).split
    else:
        split = draw_split(info.num_images, config.val_split, config.seed)
    check_part_sizes(config, info, part_sizes(len(split.train), config, group))
    network = build_network(config, info).to(device)
    if config.init and not point:
        load_deployed_weights(Path(config.init), network)
    average = averaged_copy(network) if config.ema_decay else None
    dataset = {"md5": md5, **info.to_dict()}
    state = TrainState(network, _optimizer(network, config), split, dataset, average)
    if point:
        restore_state(state, point)
    return state


def _called_in_training(
    network: torch.nn.Module, config: TrainConfig, device: torch.device, group: Group
) -> Callable[[Tensor], Tensor]:
    """The network, distributed over the group and compiled as asked."""
    called = group.distributed(network, device)
    return torch.compile(called) if config.compile else called


def _run_directory(config: TrainConfig, point: ResumePoint | None) -> RunDirectory:
    """The checkpoint's own directory, unless another one was asked for."""
    if point and (config.output_dir is None or Path(config.output_dir).resolve() == point.run.path.resolve()):
        return point.run
    return new_run_directory(config.output_dir)


def _optimizer(network: torch.nn.Module, config: TrainConfig) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter, ICLR 2019): convolutions decay, biases and normalisation do not."""
    weights = [p for p in network.parameters() if p.ndim > 1]
    others = [p for p in network.parameters() if p.ndim <= 1]
    groups: list[dict[str, Any]] = [{"params": weights}, {"params": others, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=config.lr, weight_decay=config.weight_decay, fused=True)


def _examine(config: TrainConfig) -> tuple[DatasetInfo, str]:
    """What the data set declares, after it was proved sound, and its MD5."""
    if is_stream(config.h5):
        stream = SyntheticStream(config.h5, seed=config.seed)
        info, md5 = stream.info, stream.md5
    else:
        validate_dataset(config.h5, again=config.verify_hash)
        info, md5 = inspect_dataset(config.h5), SharedMemoryDatasetCache.compute_md5(config.h5)
    if config.targets == "file" and not info.has_heatmaps:
        raise SettingError("no_heatmaps_in_file", path=config.h5)
    flip_permutation(config.flip, info.num_classes)
    return info, md5


def _source(config: TrainConfig, info: DatasetInfo, device: torch.device, group: Group) -> Source:
    if is_stream(config.h5):
        return SyntheticStream(config.h5, seed=config.seed, num_workers=config.num_workers)
    if config.targets == "keypoints" and info.has_keypoints:
        info = dataclasses.replace(info, has_heatmaps=False)  # what is rendered need not be loaded
    cache = config.where_to_hold()
    if cache == "auto" and group.size > 1 and device.type == "cpu":
        cache = "shared"  # one copy for all processes
    return open_source(info, cache, num_workers=config.num_workers, device=device)
