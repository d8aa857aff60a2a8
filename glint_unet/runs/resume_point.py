"""Finds the checkpoint that `--resume` refers to, and reads and verifies it once."""

from dataclasses import dataclass
from pathlib import Path

from glint_unet.config import TrainConfig
from glint_unet.data.file_identity import FileKey, file_key
from glint_unet.errors import CheckpointError, ResumeError, RunDirectoryError
from glint_unet.runs.checkpoint import Checkpoint, RunState
from glint_unet.runs.checkpoint_manager import CheckpointManager
from glint_unet.runs.run_directory import RunDirectory, run_directory_of


@dataclass(frozen=True)
class ResumePoint:
    """An intact checkpoint to resume from.

    Attributes:
        path: the file.
        checkpoint: its content.
        state: the state of the run in it.
        passed_over: errors of newer checkpoints that are damaged.
        key: `file_key` of the file before it was read; a different key means that it has been replaced since.
    """

    path: Path
    checkpoint: Checkpoint
    state: RunState
    passed_over: tuple[CheckpointError, ...]
    key: FileKey

    def check_unchanged(self) -> None:
        """Checks that no other writer has replaced the file since it was read; call while holding the lock.

        Raises:
            RunDirectoryError: the file was replaced or removed.
        """
        if not self.path.exists() or file_key(self.path.stat()) != self.key:
            raise RunDirectoryError("run_moved_on", path=self.run.path)

    @property
    def run(self) -> RunDirectory:
        """The run directory that contains the checkpoint."""
        return run_directory_of(self.path)

    @property
    def config(self) -> TrainConfig:
        """The settings of the run, which are the defaults of a resume."""
        return TrainConfig.of_earlier_start(self.checkpoint.train_args | {"output_dir": str(self.run.path)})


def find_resume_point(resume: str, output_dir: str | None) -> ResumePoint:
    """Finds and reads the checkpoint that `--resume` refers to.

    Args:
        resume: a checkpoint file, a run directory, or 'auto'.
        output_dir: the directory that 'auto' searches.

    Raises:
        ResumeError: 'auto' without a directory, no checkpoint found, or every checkpoint of the directory is damaged.
        CheckpointError: the file is damaged or cannot be resumed from.
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
    checkpoint = Checkpoint.read(path)
    point = ResumePoint(path, checkpoint, checkpoint.run_state(), tuple(passed_over), key)
    point.config  # noqa: B018 - refuses the settings of a malicious file here, before anything is written
    return point
