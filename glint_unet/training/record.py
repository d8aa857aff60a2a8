"""What a run leaves behind while it goes: log, metrics, checkpoints, in an order that a kill cannot break.

At the end of an epoch: metrics row -> best model -> numbered checkpoint -> latest. Latest is the commit: a resume cuts
what is newer. So an epoch is either wholly there or done again.
"""

import math
import shutil
import time
from collections.abc import Mapping
from typing import Any

import torch

from glint_unet.config import TrainConfig
from glint_unet.data.sources import Source
from glint_unet.errors import NonFiniteLossError, SpaceError
from glint_unet.files import write_json
from glint_unet.messages import text
from glint_unet.runs.checkpoint import CheckpointManager
from glint_unet.runs.run_directory import RunDirectory, check_free
from glint_unet.runs.training_log import TrainingLogger
from glint_unet.training.resume import ResumePoint, find_resume_point, repair_run, restore_state
from glint_unet.training.state import Best, EpochProgress, TrainState

MOST_ROLLBACKS = 3

_MOST_WAITING = 0.1
_LEAST_TOLD_S = 0.5
_RULE = "=" * 80


class RunRecord:
    """The files of one run, for its one writer.

    Args:
        config: all settings.
        run: the run directory, locked by this process.
        state: the run's state; its best and progress are kept here.
    """

    def __init__(self, config: TrainConfig, run: RunDirectory, state: TrainState) -> None:
        self._config = config
        self._run = run
        self._state = state
        self._checkpoints = CheckpointManager(run.path, not config.no_save_optimizer, config.keep_last_n)
        _check_space(config, run, state)
        self.log = TrainingLogger(run.path)
        self._saved_at = time.monotonic()
        self._save_seconds = 0.0  # since the last row
        self._hint = ""

    def begin(
        self, source: Source, device: torch.device, num_processes: int, point: ResumePoint | None, changes: list[str]
    ) -> None:
        """Writes down what begins: settings, data set, split; on a resume, also what it goes on from."""
        config, info = self._config, source.info
        # what was seen before the lock was taken must still be so
        if point:
            point.check_unchanged()
            self._take_over(point)
        else:
            check_free(self._run)
        for old, new in (("model_path", config.model_path), ("save", config.save)):
            if new is not None:
                self.log.log(text("deprecated_flag", flag=old))
        self._checkpoints.save_training_args(config)
        write_json(self._run.split, self._state.split.to_dict())
        write_json(self._run.dataset, self._state.dataset)
        self.log.log(_RULE)
        self.log.log(text("resuming", epoch=self._state.epoch, path=point.path) if point else text("training_starts"))
        self.log.log(text("output_dir", path=self._run.path))
        self.log.log(text("dataset", path=config.h5))
        for change in changes:
            self.log.log(change)
        if point and "optimizer_state_dict" not in point.content:
            self.log.log(text("resume_without_optimizer"))
        if config.no_save_optimizer:
            self.log.log(text("no_optimizer_no_exact_resume"))
        if not point:
            self.save_latest()  # from here on there is something to resume, and to roll back to
        num_weights = sum(p.numel() for p in self._state.network.parameters())
        (H, W), (h, w) = info.image_size, info.heatmap_size
        self.log.log(text("network", arch=config.arch, weights=num_weights, H=H, W=W, C=info.num_classes, h=h, w=w))
        self.log.log(text("device", device=_device_name(device)))
        if num_processes > 1:
            self.log.log(text("group", size=num_processes, batch=config.batch_size))
        self.log.log(source.describe())
        self._hint = source.hint()
        split = self._state.split
        self.log.log(text("num_samples", train=len(split.train), val=len(split.val)))
        self.log.log(text("batch_size", batch=config.batch_size))

    def _take_over(self, point: ResumePoint) -> None:
        for error in point.passed_over:
            self.log.log(text("checkpoint_passed_over", reason=error))
        self._state.best, aside = repair_run(self._run, point)
        self.log.restore(point.content["history"])
        if aside:
            self.log.log(text("history_set_aside", path=aside, epoch=self._state.epoch))

    def save_is_due(self) -> bool:
        """Whether the last save is `save_every_minutes` old."""
        minutes = self._config.save_every_minutes
        return minutes > 0 and time.monotonic() - self._saved_at >= minutes * 60

    def save_latest(self) -> None:
        """Writes latest_checkpoint.pth, also in the middle of an epoch."""
        self._state.progress.check_finite(self._state.epoch + 1)
        started = time.monotonic()
        self._checkpoints.save_latest(**self._snapshot())
        self._saved_at = time.monotonic()
        self._save_seconds += self._saved_at - started

    def finish_epoch(
        self, val_metrics: Mapping[str, float | None], confusion: list[list[int]], val_seconds: float
    ) -> None:
        """Ends the epoch under way: its row, its log lines, its checkpoints.

        The row's `timing` is in seconds: `data` waited for, `compute` in steps, `val`, and `save` of all checkpoints
        since the last row, which are those of the epoch before and those within this one.
        """
        state, config = self._state, self._config
        progress = _count_epoch(state, val_metrics)
        train_metrics, total = state.metrics["train"], val_metrics["total"]
        lr = float(state.optimizer.param_groups[0]["lr"])
        timing = {
            "data": max(progress.seconds - progress.compute_seconds, 0.0),
            "compute": progress.compute_seconds,
            "val": val_seconds,
            "save": self._save_seconds,
        }
        self._save_seconds = 0.0
        speed = progress.images_done / max(progress.seconds, 1e-9)
        more = {
            "val_confusion": confusion,
            "timing": {
                **{part: round(seconds, 4) for part, seconds in timing.items()},
                "images_per_s": round(speed, 1),
            },
        }
        self.log.log_epoch(state.epoch, train_metrics, val_metrics, lr, progress.seconds + val_seconds, more)
        self._log_timing(timing, speed)
        started = time.monotonic()
        candidate = Best.of_epoch(state.epoch, val_metrics, config.best_metric)
        if candidate.beats(state.best):
            state.best = candidate
            self._checkpoints.save_best(**self._snapshot())
            self.log.log(text("saved_best", total=total))
        if config.save_freq and state.epoch % config.save_freq == 0:
            path = self._checkpoints.save_checkpoint(**self._snapshot())
            self.log.log(text("saved_numbered", path=path.relative_to(self._run.path)))
        self._save_seconds += time.monotonic() - started
        self.save_latest()

    def _log_timing(self, timing: dict[str, float], speed: float) -> None:
        """The share of each part, and once, where data is the brake, which flag helps."""
        total = max(sum(timing.values()), 1e-9)
        shares = {part: seconds / total for part, seconds in timing.items()}
        self.log.log(text("timing", **shares, speed=speed))
        if self._hint and shares["data"] > _MOST_WAITING and timing["data"] > _LEAST_TOLD_S:
            self.log.log(text("data_is_the_brake", share=shares["data"], hint=self._hint))
            self._hint = ""

    def roll_back(self, error: NonFiniteLossError) -> None:
        """Goes back to the last checkpoint at half the learning rate; raises the error where that is not to be.

        Raises:
            NonFiniteLossError: --on_nan is stop, or this was tried `MOST_ROLLBACKS` times.
        """
        state = self._state
        self._go_back(error)
        self.save_latest()
        lr = self._config.lr * 0.5**state.rollbacks
        where = {"epoch": error.values["epoch"], "step": error.values["step"], "lr": lr}
        self.log.log(text("rolled_back", done=state.epoch, number=state.rollbacks, most=MOST_ROLLBACKS, **where))

    def _go_back(self, error: NonFiniteLossError) -> None:
        rollbacks = self._state.rollbacks
        if self._config.on_nan == "stop" or rollbacks >= MOST_ROLLBACKS:
            raise error
        restore_state(self._state, find_resume_point(str(self._run.path), None))
        self._state.rollbacks = rollbacks + 1  # another process of the group may have saved its own count by now

    def _snapshot(self) -> dict[str, Any]:
        """The arguments of every save."""
        state = self._state
        return {
            "epoch": state.epoch,
            "model": state.network,
            "optimizer": state.optimizer,
            "train_args": self._config,
            "metrics": state.metrics,
            "extra": state.extra(self.log.history),
        }

    def interrupted(self, signal_name: str) -> None:
        """Saves, and says how to go on."""
        self.save_latest()
        command = f"python train_glint_unet.py --resume {self._run.path}"
        self.log.log(text("interrupted", signal=signal_name, epoch=self._state.epoch, command=command))

    def nothing_to_do(self) -> None:
        """Says that all epochs are done already."""
        self.log.log(text("nothing_to_do", epoch=self._state.epoch, epochs=self._config.epochs))

    def finished(self, seconds: float) -> None:
        """Says what came out and where it lies."""
        best = self._state.best
        self.log.log(text("finished", seconds=seconds, epoch=best.epoch, total=best.total, path=self._run.best))


class Follower(RunRecord):
    """What the other processes of a group keep: the state, in step with the first one's, and no files."""

    def __init__(self, config: TrainConfig, run: RunDirectory, state: TrainState) -> None:
        self._config = config
        self._run = run
        self._state = state

    def begin(self, *arguments: Any) -> None:
        """Nothing is written."""

    def save_is_due(self) -> bool:
        """Never."""
        return False

    def save_latest(self) -> None:
        """Nothing is written."""

    def finish_epoch(self, val_metrics: Mapping[str, float | None], confusion: list[list[int]], seconds: float) -> None:
        """Counts the epoch, or raises, as the first process does."""
        _count_epoch(self._state, val_metrics)

    def roll_back(self, error: NonFiniteLossError) -> None:
        """Goes back as the first process does."""
        self._go_back(error)

    def interrupted(self, signal_name: str) -> None:
        """Nothing is written."""

    def nothing_to_do(self) -> None:
        """Nothing is said."""

    def finished(self, seconds: float) -> None:
        """Nothing is said."""


def _count_epoch(state: TrainState, val_metrics: Mapping[str, float | None]) -> EpochProgress:
    """Ends the epoch under way in the state; what it was. Raises NonFiniteLossError."""
    total = val_metrics["total"]
    if total is None or not math.isfinite(total):
        raise NonFiniteLossError("loss_not_finite", epoch=state.epoch + 1, step=state.progress.batches_done)
    progress = state.progress
    state.epoch += 1
    state.progress = EpochProgress()
    state.metrics = {"train": progress.means(), "val": dict(val_metrics)}
    return progress


def _check_space(config: TrainConfig, run: RunDirectory, state: TrainState) -> None:
    """A disk that cannot hold the run's checkpoints is told before the training, not at its end."""
    weights = sum(t.numel() * t.element_size() for t in state.network.state_dict().values())
    full = weights * ((1 if config.no_save_optimizer else 3) + (state.average is not None))
    num_numbered = min(config.keep_last_n + 1, config.epochs // config.save_freq) if config.save_freq else 0
    num_files = 3 + num_numbered  # latest, best, the one being written
    need, free = num_files * full + 2 * weights, shutil.disk_usage(run.path).free
    if need > free:
        raise SpaceError("disk_too_small", path=run.path, need_mb=need // 2**20 + 1, free_mb=free // 2**20)


def _device_name(device: torch.device) -> str:
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)"
