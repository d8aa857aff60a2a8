"""The checkpoint that `--resume` means: found, read once, proved to be whole."""

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
    """A good checkpoint to go on from.

    Attributes:
        path: the file.
        checkpoint: what it holds.
        state: the run's state in it.
        passed_over: newer checkpoints that are damaged.
        key: of the file before it was read; another one means that somebody has written it since.
    """

    path: Path
    checkpoint: Checkpoint
    state: RunState
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
        return TrainConfig.of_earlier_start(self.checkpoint.train_args | {"output_dir": str(self.run.path)})


def find_resume_point(resume: str, output_dir: str | None) -> ResumePoint:
    """The checkpoint that `--resume` means.

    Args:
        resume: a checkpoint file, a run directory, or 'auto'.
        output_dir: where 'auto' looks.

    Raises:
        ResumeError: 'auto' without a directory, or no checkpoint in it.
        CheckpointError: the file named is damaged or cannot be resumed, or every file of the directory is damaged.
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
    point.config  # noqa: B018 - settings of a hostile file are refused here, before anything is written
    return point
