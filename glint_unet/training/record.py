"""Writes the log, metrics and checkpoints of a run, in an order that survives a kill at any instant.

At the end of an epoch: metrics row -> best model -> numbered checkpoint -> latest checkpoint. Writing the latest
checkpoint commits the epoch: a resume discards whatever is newer, so an epoch is either complete or repeated.
"""

import contextlib
import dataclasses
import time
from collections.abc import Iterable, Iterator
from typing import Any

import torch

from glint_unet.compute.device import device_name
from glint_unet.compute.group import Group
from glint_unet.compute.stop_signals import Interrupted
from glint_unet.compute.threads import CpuWatch, Threads
from glint_unet.config import TrainConfig
from glint_unet.data.source import Source
from glint_unet.errors import NonFiniteLossError, one_line
from glint_unet.files import write_json
from glint_unet.messages import text
from glint_unet.own_command import resume_command
from glint_unet.runs.checkpoint_manager import CheckpointManager
from glint_unet.runs.progress import EpochProgress
from glint_unet.runs.provenance import Provenance
from glint_unet.runs.repair import repair_run
from glint_unet.runs.resume_point import ResumePoint
from glint_unet.runs.run_directory import RunDirectory, check_free
from glint_unet.runs.status import FAILED, FINISHED, INTERRUPTED
from glint_unet.runs.training_log import TrainingLogger, set_aside_damaged_metrics
from glint_unet.tracking.tracker_process import TrackerProcess, tracker_names
from glint_unet.training.heartbeat import Heartbeat
from glint_unet.training.results import RunPictures
from glint_unet.training.resume import MOST_ROLLBACKS
from glint_unet.training.set_up import set_up_lines
from glint_unet.training.space import check_space_of_run
from glint_unet.training.state import EpochResult, TrainState
from glint_unet.training.summary import summary

_MOST_WAITING = 0.1
_LEAST_REPORTED_S = 0.5
_RULE = "=" * 80
_SHORT_WAIT_S = 3.0  # for trackers, where a scheduler may end this process soon


class RunRecord:
    """Writes the files of a run; only the main process has one.

    Args:
        config: all settings.
        run: the run directory, locked by this process.
        state: the state of the run; changed here only when a resume finds a better best model.

    Raises:
        SpaceError: the disk cannot hold the checkpoints of the run.
    """

    def __init__(self, config: TrainConfig, run: RunDirectory, state: TrainState) -> None:
        self._config = config
        self._run = run
        self._state = state
        self._checkpoints = CheckpointManager(run.path, not config.no_save_optimizer, config.keep_last_n)
        check_space_of_run(config, run, state)
        self._damaged_metrics = set_aside_damaged_metrics(run) if config.resume else None
        self.log = TrainingLogger(run.path)
        self.heartbeat = Heartbeat(run, config, state, lambda: self.log.history)
        self._saved_at = time.monotonic()
        self._save_seconds = 0.0  # since the last metrics row
        self._hint = ""
        self._pictures: RunPictures  # from begin() on
        self._trackers = TrackerProcess(run, tracker_names(config.tracker))
        self._first_epoch = state.epoch + 1
        self._watch: CpuWatch | None = None

    def _say(self, key: str, **values: Any) -> None:
        self.log.log(text(key, **values))

    def _log_all(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.log.log(line)

    def begin(
        self,
        source: Source,
        device: torch.device,
        group: Group,
        threads: Threads,
        point: ResumePoint | None,
        changes: list[str],
        command: str,
    ) -> None:
        """Records the start of a run: settings, data set and split; on a resume, also the checkpoint and repairs.

        Args:
            source: the source of the batches.
            device: the compute device.
            group: the process group.
            threads: the number of CPU threads and its reason.
            point: the checkpoint to resume from; None for a new run.
            changes: log lines on settings that differ from the resumed run, or on the initial weights of a new one.
            command: the command line; empty if there is none.

        Raises:
            RunDirectoryError: another process has written to the directory since it was inspected.
        """
        # check again what was inspected before the lock was acquired
        if point:
            point.check_unchanged()
            self._take_over(point)
        else:
            check_free(self._run)
        self._warn_of_deprecated_flags()
        self._checkpoints.save_training_args(self._config)
        write_json(self._run.split, self._state.split.to_dict())
        write_json(self._run.dataset, self._state.dataset)
        start = Provenance.of_this_process(command, self._state.epoch, changes, device_name(device), group)
        start.append(self._run)
        self._log_start(point, changes)
        if not point:
            self.save_latest()  # from here on there is a checkpoint to resume from and to roll back to
        self._log_all(set_up_lines(self._config, self._state, source, device, group.size, threads, is_new=not point))
        self._hint = source.hint()
        self._threads = threads
        self._watch = CpuWatch(threads.num) if device.type == "cpu" and group.size == 1 else None
        self.heartbeat.write()
        self._pictures = RunPictures(self._run, source, self._state, self._config, self.log)
        self._log_all(self._trackers.start())

    def _take_over(self, point: ResumePoint) -> None:
        for error in point.passed_over:
            self._say("checkpoint_passed_over", reason=error)
        repair = repair_run(self._run, point, self._config.best_metric)
        self._state.best = repair.best
        self.log.restore(point.state.history)
        if self._damaged_metrics:
            self._say("metrics_rebuilt", path=self._damaged_metrics)
        if repair.history_aside:
            self._say("history_set_aside", path=repair.history_aside, epoch=self._state.epoch)
        if repair.damaged_best:
            self._say("damaged_best_aside", path=repair.best_aside, reason=repair.damaged_best)

    def _warn_of_deprecated_flags(self) -> None:
        for old in ("model_path", "save"):
            if getattr(self._config, old) is not None:
                self._say("deprecated_flag", flag=old)

    def _log_start(self, point: ResumePoint | None, changes: list[str]) -> None:
        self.log.log(_RULE)
        if point:
            self._say("resuming", epoch=self._state.epoch, path=point.path)
        else:
            self._say("training_starts")
        self._say("output_dir", path=self._run.path)
        self._say("dataset", path=self._config.h5)
        for change in changes:
            self.log.log(change)
        if point and point.checkpoint.optimizer is None:
            self._say("resume_without_optimizer")
        if self._config.no_save_optimizer:
            self._say("no_optimizer_no_exact_resume")

    def fewer_threads(self) -> bool:
        """Uses fewer CPU threads if other programs have taken CPUs, so that training does not wait for them.

        Sums depend on the number of threads. It is therefore a part of the state, and returned is whether it has
        changed, so that the state must be saved now; a number that was set is kept, and the log says once what helps.
        """
        num = self._watch.fitting() if self._watch else self._config.threads
        if num >= self._config.threads:
            return False
        if not self._threads.is_measured:
            self._say("threads_wait", num=self._config.threads, fitting=num)
            self._watch = None
            return False
        self._say("threads_reduced", was=self._config.threads, num=num)
        self._config = dataclasses.replace(self._config, threads=num)
        torch.set_num_threads(num)
        self._checkpoints.save_training_args(self._config)
        self._watch = CpuWatch(num)
        return True

    def save_is_due(self) -> bool:
        """Whether the last save is at least `save_every_minutes` old."""
        minutes = self._config.save_every_minutes
        return minutes > 0 and time.monotonic() - self._saved_at >= minutes * 60

    def save_latest(self) -> bool:
        """Writes latest_checkpoint.pth, at any point of an epoch, unless losses or weights are not finite.

        Such weights stay unsaved without an error: their loss, at the latest the next one, raises it in every process.

        Returns:
            Whether it was written.
        """
        if not self._state.is_finite():
            return False
        started = time.monotonic()
        self._checkpoints.write_latest(self._state.checkpoint(self._config, self.log.history))
        self._saved_at = time.monotonic()
        self._save_seconds += self._saved_at - started
        return True

    def finish_epoch(self, result: EpochResult, confusion: list[list[int]], val_seconds: float) -> None:
        """Writes the metrics row, log lines and checkpoints of an epoch, after `TrainState.finish_epoch`.

        The row's `timing` is in seconds: `data` (waiting for data), `compute` (training steps), `val` (validation) and
        `save` (all checkpoints since the previous row, including those at the end of the previous epoch).

        Args:
            result: the outcome of the epoch.
            confusion: the LED confusion matrix of the validation.
            val_seconds: duration of the validation.
        """
        self._write_row(result.progress, confusion, val_seconds)
        state, config, started = self._state, self._config, time.monotonic()
        if result.is_best:
            self._checkpoints.write_best(state.checkpoint(config, self.log.history))
            self._say("saved_best", total=state.best.total)
        if config.save_freq and state.epoch % config.save_freq == 0:
            path = self._checkpoints.write_numbered(state.checkpoint(config, self.log.history))
            self._say("saved_numbered", path=path.relative_to(self._run.path))
        self._save_seconds += time.monotonic() - started
        self.save_latest()
        self.heartbeat.write()
        self._pictures.refresh()
        self._log_all(self._trackers.new_errors())

    def _write_row(self, progress: EpochProgress, confusion: list[list[int]], val_seconds: float) -> None:
        state = self._state
        timing = {
            "data": max(progress.seconds - progress.compute_seconds, 0.0),
            "compute": progress.compute_seconds,
            "val": val_seconds,
            "save": self._save_seconds,
        }
        self._save_seconds = 0.0
        speed = progress.images_done / max(progress.seconds, 1e-9)
        rounded = {part: round(seconds, 4) for part, seconds in timing.items()}
        more = {"val_confusion": confusion, "timing": {**rounded, "images_per_s": round(speed, 1)}}
        lr = float(state.optimizer.param_groups[0]["lr"])
        train, val = state.metrics["train"], state.metrics["val"]
        self.log.log_epoch(state.epoch, train, val, lr, progress.seconds + val_seconds, more)
        self._log_timing(timing, speed)

    def _log_timing(self, timing: dict[str, float], speed: float) -> None:
        """Logs the share of each part, and once, if data loading is the bottleneck, the flag that helps.

        The first epoch does not count: workers start in it, and files are read for the first time.
        """
        total = max(sum(timing.values()), 1e-9)
        shares = {part: seconds / total for part, seconds in timing.items()}
        self._say("timing", **shares, speed=speed)
        is_slow = shares["data"] > _MOST_WAITING and timing["data"] > _LEAST_REPORTED_S
        if self._hint and is_slow and self._state.epoch > self._first_epoch:
            self._say("data_is_the_bottleneck", share=shares["data"], hint=self._hint)
            self._hint = ""

    def rolled_back(self, error: NonFiniteLossError) -> None:
        """Saves the state after a rollback to the last checkpoint, and logs the rollback."""
        state, config = self._state, self._config
        self.save_latest()
        where = {"epoch": error.values["epoch"], "step": error.values["step"], "lr": config.lr * 0.5**state.rollbacks}
        self._say("rolled_back", done=state.epoch, number=state.rollbacks, most=MOST_ROLLBACKS, **where)
        if config.no_save_optimizer:
            self._say("resume_without_optimizer")

    def interrupted(self, signal_name: str) -> None:
        """Saves the state, logs the command that resumes the run, and draws its pictures."""
        values = {"signal": signal_name, "epoch": self._state.epoch, "command": resume_command(self._run.path)}
        self.log.log(text("interrupted" if self.save_latest() else "interrupted_not_finite", **values))
        self.heartbeat.write(INTERRUPTED, signal_name)
        self._pictures.draw()
        self._log_all(self._trackers.finish(_SHORT_WAIT_S))

    def finished(self, seconds: float) -> None:
        """Draws the pictures, and logs why the run ended, its best epoch, and the commands that use its model."""
        self._pictures.finish()
        state, config, best = self._state, self._config, self._state.best
        is_early = state.epoch < config.epochs
        if is_early:
            self._say("stopped_early", patience=config.patience, best=best.epoch, epoch=state.epoch)
        self._say("finished", seconds=seconds, epoch=best.epoch, total=best.total, path=self._run.best)
        self._log_all(summary(self._run, config, state.best.epoch, self.log.history))
        self.heartbeat.write(FINISHED, f"patience {config.patience}" if is_early else "")
        self._log_all(self._trackers.finish())

    @contextlib.contextmanager
    def failure_noted(self) -> Iterator[None]:
        """A block after whose failure status.json has the error."""
        try:
            yield
        except Interrupted:
            raise
        except BaseException as error:
            self.heartbeat.write(FAILED, one_line(error) or type(error).__name__)
            self._log_all(self._trackers.finish(_SHORT_WAIT_S))
            raise
