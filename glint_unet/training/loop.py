"""The whole run, top to bottom."""

import contextlib
import dataclasses
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from tqdm import tqdm

from glint_unet.config import TrainConfig
from glint_unet.data.batches import Batch, Rows, Source, open_source
from glint_unet.data.dataset_file import DatasetInfo, inspect_dataset
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.data.split import Split, draw_split, epoch_batches
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import NonFiniteLossError, SettingError
from glint_unet.messages import set_language, text
from glint_unet.model.unet import build_network
from glint_unet.training.device import choose_device
from glint_unet.training.pictures import draw_results
from glint_unet.training.record import RunRecord
from glint_unet.training.resume import ResumePoint, check_settings, find_resume_point, restore_state
from glint_unet.training.run_directory import RunDirectory, new_run_directory
from glint_unet.training.state import TrainState
from glint_unet.training.step import train_step, validate
from glint_unet.training.stop_signals import Interrupted, StopSignals

_STEPS_BETWEEN_CHECKS = 64


def train(config: TrainConfig) -> Path:
    """Trains until `config.epochs` epochs are done, keeping everything in one run directory.

    Args:
        config: all settings; `config.resume` goes on with an earlier run.

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
    validate_dataset(config.h5, again=config.verify_hash)
    info = inspect_dataset(config.h5)
    device = choose_device(config)
    md5 = SharedMemoryDatasetCache.compute_md5(config.h5)
    point = find_resume_point(config.resume, config.output_dir) if config.resume else None
    changes = check_settings(config, point, md5) if point else []
    state = _initial_state(config, info, md5, device, point)
    run = _run_directory(config, point)
    config = dataclasses.replace(config, output_dir=str(run.path))

    with run.locked(), StopSignals() as stop, contextlib.closing(_open_source(config, info)) as source:
        record = RunRecord(config, run, state)
        record.begin(source, device, point, changes)
        if state.epoch >= config.epochs:
            record.log.log(text("nothing_to_do", epoch=state.epoch, epochs=config.epochs))
            return run.path
        started = time.monotonic()
        while state.epoch < config.epochs:
            try:
                _train_epoch(config, state, source, device, record, stop)
                val_started = time.monotonic()
                val_batches = source.batches(_val_batches(config, state))
                val_metrics, confusion = validate(state.network, stop.cut_short(val_batches), device, config, info)
                _leave_if_asked(record, stop)
                record.finish_epoch(val_metrics, confusion, state.progress.seconds + time.monotonic() - val_started)
            except NonFiniteLossError as error:
                record.roll_back(error)
        draw_results(run, source, state.network, state.split.val, record.log.history, device)
        record.finished(time.monotonic() - started)
    return run.path


def _train_epoch(
    config: TrainConfig,
    state: TrainState,
    source: Source,
    device: torch.device,
    record: RunRecord,
    stop: StopSignals,
) -> None:
    """The rest of the epoch under way: all of it, or what an interrupted run left."""
    progress, epoch = state.progress, state.epoch + 1
    rows = epoch_batches(state.split.train, config.batch, config.seed, epoch)
    started = time.monotonic() - progress.seconds
    state.network.train()
    for batch in _with_bar(
        config, epoch, len(rows), progress.batches_done, source.batches(rows[progress.batches_done :])
    ):
        terms = train_step(state.network, state.optimizer, batch.to(device), config, source.info)
        progress.add(terms, len(batch.images))
        progress.seconds = time.monotonic() - started
        if device.type == "cpu" or progress.batches_done % _STEPS_BETWEEN_CHECKS == 0:
            progress.check_finite(epoch)
        if record.save_is_due():
            record.save_latest()
        _leave_if_asked(record, stop)
    progress.check_finite(epoch)


def _leave_if_asked(record: RunRecord, stop: StopSignals) -> None:
    if stop.received is not None:
        record.interrupted(signal.Signals(stop.received).name)
        raise Interrupted(stop.received)


def _with_bar(config: TrainConfig, epoch: int, total: int, done: int, batches: Iterator[Batch]) -> Iterator[Batch]:
    title = f"Epoch {epoch:03d}/{config.epochs:03d}"
    hidden = None if config.progress else True  # None: shown where the console is a terminal
    return iter(tqdm(batches, desc=title, total=total, initial=done, disable=hidden, leave=False, unit="batch"))


def _val_batches(config: TrainConfig, state: TrainState) -> list[Rows]:
    return [state.split.val[k : k + config.batch] for k in range(0, len(state.split.val), config.batch)]


def _initial_state(
    config: TrainConfig, info: DatasetInfo, md5: str, device: torch.device, point: ResumePoint | None
) -> TrainState:
    if point:
        split = Split.from_dict(point.content["split"])
    else:
        split = draw_split(info.num_images, config.val_split, config.seed)
    network = build_network(config, info).to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=config.lr, fused=True)
    state = TrainState(network, optimizer, split, dataset={"md5": md5, **info.to_dict()})
    if point:
        restore_state(state, point, config)
    return state


def _run_directory(config: TrainConfig, point: ResumePoint | None) -> RunDirectory:
    """The checkpoint's own directory, unless another one was asked for."""
    if point and (config.output_dir is None or Path(config.output_dir).resolve() == point.run.path.resolve()):
        return point.run
    return new_run_directory(config.output_dir)


def _open_source(config: TrainConfig, info: DatasetInfo) -> Source:
    return open_source(info, preload=config.preload, shared_memory=config.shared_memory, num_workers=config.num_workers)
