"""From a checkpoint back to the run it was taken of: found, checked against what is asked now, restored, repaired."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from glint_unet.config import TrainConfig, setting_names
from glint_unet.data.file_identity import FileKey, file_key
from glint_unet.data.split import Split
from glint_unet.errors import CheckpointError, GlintError, ResumeError, RunDirectoryError
from glint_unet.files import write_bytes
from glint_unet.messages import text
from glint_unet.runs.checkpoint import CheckpointManager, restore
from glint_unet.runs.checkpoint_file import check_fits, deployed_weights, read_checkpoint, write_checkpoint
from glint_unet.runs.run_directory import RunDirectory, run_directory_of
from glint_unet.training.state import Best, EpochProgress, TrainState

_STATE_KEYS = ("best", "rollbacks", "steps", "progress", "split", "dataset", "history")


@dataclass(frozen=True)
class ResumePoint:
    """A good checkpoint to go on from.

    Attributes:
        path: the file.
        content: what it holds.
        passed_over: newer checkpoints that are damaged.
        key: of the file before it was read; another one means that somebody has written it since.
    """

    path: Path
    content: dict[str, Any]
    passed_over: tuple[CheckpointError, ...]
    key: FileKey

    def check_unchanged(self) -> None:
        """Refuses to go on from a file that another writer has replaced since it was read; for the lock's holder.

        Raises:
            RunDirectoryError: it was replaced.
        """
        if not self.path.exists() or file_key(self.path.stat()) != self.key:
            raise RunDirectoryError("run_moved_on", path=self.run.path)

    @property
    def run(self) -> RunDirectory:
        """The run directory that the checkpoint lies in."""
        return run_directory_of(self.path)

    @property
    def config(self) -> TrainConfig:
        """The settings of the run, as the defaults of a resume: a flag that is not given keeps its value."""
        return TrainConfig.of_earlier_start(self.content["train_args"] | {"output_dir": str(self.run.path)})

    @property
    def position(self) -> tuple[int, int]:
        """Epochs done, and batches done of the epoch under way."""
        return _position(self.content)


def find_resume_point(resume: str, output_dir: str | None) -> ResumePoint:
    """The checkpoint that `--resume` means.

    Args:
        resume: a checkpoint file, a run directory, or 'auto'.
        output_dir: where 'auto' looks.

    Raises:
        ResumeError: 'auto' without a directory, or no checkpoint in it.
        CheckpointError: the file named is damaged, or every file of the directory is.
    """
    if resume == "auto" and output_dir is None:
        raise ResumeError("resume_auto_without_directory")
    path = Path(output_dir or "") if resume == "auto" else Path(resume)
    if not path.exists() or (path.is_dir() and not RunDirectory(path).holds_a_run()):
        raise ResumeError("resume_nothing_there", path=path)
    passed_over: list[CheckpointError] = []
    if path.is_dir():
        found, passed_over = CheckpointManager(path).find_newest_good()
        if found is None:
            raise ResumeError("resume_all_damaged", path=path, reason=passed_over[0])
        path = found
    if not path.is_file():
        raise CheckpointError("checkpoint_missing", path=path)
    key = file_key(path.stat())
    point = ResumePoint(path, _readable_state(path), tuple(passed_over), key)
    point.config  # noqa: B018 - settings of a hostile file are refused here, before anything is written
    return point


def _readable_state(path: Path) -> dict[str, Any]:
    content = read_checkpoint(path)
    missing = [key for key in _STATE_KEYS if key not in content]
    if missing:
        raise CheckpointError("checkpoint_incomplete", path=path, missing=", ".join(missing))
    try:
        (
            _position(content),
            int(content["rollbacks"]),
            int(content["steps"]),
            Best(**content["best"]),
            EpochProgress(**content["progress"]),
        )
        Split.from_dict(content["split"]), str(content["dataset"]["md5"])
        _restore_scaler(torch.amp.GradScaler("cpu"), content)
        TrainConfig.from_dict(content["train_args"])
    except GlintError:
        raise
    except Exception as error:
        raise CheckpointError("checkpoint_damaged", path=path, reason=type(error).__name__) from error
    return content


def _position(content: dict[str, Any]) -> tuple[int, int]:
    return int(content["epoch"]), int(content["progress"]["batches_done"])


def check_settings(config: TrainConfig, point: ResumePoint, dataset_md5: str) -> list[str]:
    """Refuses a resume that would be another run; returns a line for each setting that does change.

    Raises:
        ResumeError: with the list of settings that belong to the run, or another data set.
    """
    allowed = {name.strip() for name in config.allow_changed.split(",") if name.strip()}
    if unknown := allowed - setting_names():
        raise ResumeError("resume_unknown_setting", names=", ".join(sorted(unknown)))
    was = point.content["dataset"]["md5"]
    if dataset_md5 != was and "h5" not in allowed:
        raise ResumeError("resume_other_dataset", path=config.h5, md5=dataset_md5, was=was)
    refused = {n: pair for n, pair in config.fixed_differences(point.config).items() if n not in allowed}
    if refused:
        listed = ", ".join(f"--{name} {was} -> {now}" for name, (was, now) in refused.items())
        raise ResumeError("resume_settings_differ", listed=listed, names=",".join(refused))
    changes = config.differences(point.config).items()
    return [
        text("setting_changed", name=name, was=was, now=now) for name, (was, now) in changes if name != "output_dir"
    ]


def restore_state(state: TrainState, point: ResumePoint) -> None:
    """Puts the checkpoint's state into a fresh one."""
    if state.average is not None:
        average = point.content.get("ema_state_dict", point.content["model_state_dict"])
        check_fits(average, state.average, point.path)
    restore(point.content, point.path, state.network, state.optimizer)
    if state.average is not None:
        state.average.load_state_dict(average)
    _restore_scaler(state.scaler, point.content)
    state.rollbacks = point.content["rollbacks"]
    state.steps = point.content["steps"]
    state.epoch = point.position[0]
    state.metrics = point.content["metrics"]
    state.best = Best(**point.content["best"])
    state.progress = EpochProgress(**point.content["progress"])


def _restore_scaler(scaler: torch.amp.GradScaler, content: dict[str, Any]) -> None:
    if saved := content.get("scaler"):  # none where the arithmetic needs no scaler
        scaler.load_state_dict(
            {name: int(value) if isinstance(value, int) else float(value) for name, value in saved.items()}
        )


def repair_run(run: RunDirectory, point: ResumePoint) -> tuple[Best, Path | None]:
    """Brings the files of a run into agreement with the checkpoint that it goes on from.

    A kill between two files leaves the best model newer than latest; it is kept, because a better model is never
    replaced by a worse one. History newer than the checkpoint is moved aside, never overwritten.

    Args:
        run: the directory to go on in; another one than the checkpoint's own gets its best model copied.
        point: where to go on from.

    Returns:
        The best epoch so far, and the directory that the superseded history was moved to, if any.
    """
    aside = None
    if run.latest.exists() and run.latest.resolve() != point.path.resolve() and _is_superseded(run, point):
        aside = run.set_aside_after(point.position[0])
    if not run.best.exists() and point.run.best.exists():
        write_bytes(run.best, point.run.best.read_bytes())
    best = Best(**point.content["best"])
    if run.best.exists():
        content = _readable_state(run.best)
        write_checkpoint(run.best_weights, deployed_weights(content))
        found = Best(**content["best"])
        best = found if found.beats(best) else best
    return best, aside


def _is_superseded(run: RunDirectory, point: ResumePoint) -> bool:
    try:
        return _position(_readable_state(run.latest)) > point.position
    except CheckpointError:
        return True
