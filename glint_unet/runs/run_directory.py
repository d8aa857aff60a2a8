"""The layout of a run directory, its lock, and moving superseded files aside instead of overwriting them."""

import contextlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from glint_unet.errors import RunDirectoryError
from glint_unet.files import FileLock, check_writable, move, sweep_temporaries

DEFAULT_ROOT = Path("runs")

_LOCK = ".run.lock"
_LOOKS, _LOOK_S = 20, 0.01  # another process that asks `is_locked` holds the lock for an instant


@dataclass(frozen=True)
class RunDirectory:
    """The paths of a run's files.

    Attributes:
        path: the directory itself.
    """

    path: Path

    @property
    def log(self) -> Path:
        """The text log."""
        return self.path / "training.log"

    @property
    def metrics(self) -> Path:
        """One row per epoch, JSON."""
        return self.path / "metrics.json"

    @property
    def training_args(self) -> Path:
        """Every setting, JSON."""
        return self.path / "training_args.json"

    @property
    def split(self) -> Path:
        """Training and validation rows, JSON."""
        return self.path / "split.json"

    @property
    def dataset(self) -> Path:
        """Identity of the data set (MD5 and sizes), JSON."""
        return self.path / "dataset.json"

    @property
    def best(self) -> Path:
        """Full checkpoint of the best epoch."""
        return self.path / "best_model.pth"

    @property
    def best_weights(self) -> Path:
        """State dict of the best epoch."""
        return self.path / "best_model_weights.pt"

    @property
    def latest(self) -> Path:
        """Full checkpoint of the newest state."""
        return self.path / "latest_checkpoint.pth"

    @property
    def checkpoints(self) -> Path:
        """Directory of the numbered checkpoints."""
        return self.path / "checkpoints"

    @property
    def curves(self) -> Path:
        """Plot of the learning curves."""
        return self.path / "results.png"

    @property
    def predictions(self) -> Path:
        """Predictions drawn over validation images."""
        return self.path / "predictions.png"

    @property
    def status(self) -> Path:
        """How far the run is and whether it still makes progress, JSON."""
        return self.path / "status.json"

    @property
    def provenance(self) -> Path:
        """Command, code, versions and machine of every start, JSON."""
        return self.path / "provenance.json"

    @property
    def worst(self) -> Path:
        """The validation images with the worst predictions."""
        return self.path / "worst.png"

    @property
    def tracking(self) -> Path:
        """What was sent to trackers, JSON."""
        return self.path / "tracking.json"

    @property
    def tracking_log(self) -> Path:
        """Output of the process that sends to trackers."""
        return self.path / "tracking.log"

    @property
    def report(self) -> Path:
        """The report, HTML."""
        return self.path / "report.html"

    @property
    def trace(self) -> Path:
        """Trace written by `--profile`."""
        return self.path / "profile.json"

    @property
    def lock_file(self) -> Path:
        """The file that the writer of the directory holds open and locked."""
        return self.path / _LOCK

    def numbered(self, epoch: int) -> Path:
        """The numbered checkpoint of an epoch."""
        return self.checkpoints / f"checkpoint_epoch_{epoch:03d}.pth"

    def numbered_checkpoints(self) -> list[tuple[int, Path]]:
        """(epoch, path) of every numbered checkpoint, oldest epoch first."""
        found = []
        for path in self.checkpoints.glob("checkpoint_epoch_*.pth"):
            digits = path.stem.removeprefix("checkpoint_epoch_")
            if digits.isdecimal():
                found.append((int(digits), path))
        return sorted(found)

    def holds_a_run(self) -> bool:
        """Whether the directory contains a checkpoint, which a new run would overwrite."""
        return self.latest.exists() or self.best.exists() or bool(self.numbered_checkpoints())

    def is_locked(self) -> bool:
        """Whether a process is writing here; a process on another machine is seen only if the file system shares locks.

        Raises:
            OSError: the lock file cannot be opened.
        """
        try:
            lock = FileLock(self.lock_file, shared=True)
        except FileNotFoundError:
            return False
        try:
            return not lock.acquire(wait=False)
        finally:
            lock.release()

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Makes this process the only writer of the directory, and removes temporary files of a killed writer.

        Raises:
            RunDirectoryError: another process is writing here, or the directory cannot be created or written.
            SpaceError: the disk is full.
        """
        try:
            self.checkpoints.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.lock_file, create=True)
        except OSError as error:
            raise _not_writable(self.path, error) from error
        try:
            if not _acquired(lock):
                pid, host = lock.holder()
                raise RunDirectoryError("run_in_use", path=self.path, pid=pid, host=host)
            lock.describe_holder()
            check_writable(self.path)
            for directory in (self.path, self.checkpoints):
                sweep_temporaries(directory)
            yield
        finally:
            if not self.log.exists():  # refused before the run started: leave nothing behind
                self._remove_if_empty(lock.path)
            lock.release()

    def _remove_if_empty(self, lock_file: Path) -> None:
        with contextlib.suppress(OSError):
            self.checkpoints.rmdir()
            if list(self.path.iterdir()) == [lock_file]:
                lock_file.unlink()
                self.path.rmdir()

    def set_aside_best(self) -> Path:
        """Moves an unreadable best model and its weights to superseded/damaged_best; returns that directory."""
        return self._set_aside("damaged_best", [self.best, self.best_weights])

    def set_aside_metrics(self) -> Path:
        """Moves an unreadable metrics.json to superseded/damaged_metrics; returns its new path."""
        return self._set_aside("damaged_metrics", [self.metrics]) / self.metrics.name

    def set_aside_after(self, epoch: int) -> Path:
        """Moves the history that a resume from an older epoch supersedes into a separate directory.

        The best model stays in place: a better model is never replaced by a worse one.

        Returns:
            The destination, e.g. superseded/after_epoch_007.
        """
        newer = [path for number, path in self.numbered_checkpoints() if number > epoch]
        return self._set_aside(f"after_epoch_{epoch:03d}", [*newer, self.metrics, self.latest])

    def _set_aside(self, name: str, paths: list[Path]) -> Path:
        aside = self._free_name(f"superseded/{name}")
        aside.mkdir(parents=True)
        for path in paths:
            if path.exists():
                move(path, into=aside)
        return aside

    def _free_name(self, name: str) -> Path:
        candidates = itertools.chain([name], (f"{name}_{k}" for k in itertools.count(2)))
        return next(path for path in map(self.path.joinpath, candidates) if not path.exists())


def new_run_directory(output_dir: str | None) -> RunDirectory:
    """The directory for a new run: `output_dir`, or runs/train_YYYYMMDD_HHMMSS if that is None.

    Two runs started in the same second get two directories.

    Raises:
        RunDirectoryError: `output_dir` already contains a run, or runs/ is not writable.
    """
    if output_dir is not None:
        run = RunDirectory(Path(output_dir))
        check_free(run)
        return run
    name = time.strftime("train_%Y%m%d_%H%M%S")
    for suffix in itertools.chain([""], (f"_{k}" for k in itertools.count(2))):
        try:
            path = DEFAULT_ROOT / (name + suffix)
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        except OSError as error:
            raise _not_writable(path, error) from error
        return RunDirectory(path)
    raise AssertionError("itertools.count ended")


def _acquired(lock: FileLock) -> bool:
    for _ in range(_LOOKS):
        if lock.acquire(wait=False):
            return True
        time.sleep(_LOOK_S)
    return False


def _not_writable(path: Path, error: OSError) -> RunDirectoryError:
    return RunDirectoryError("not_writable_by_flag", path=path, reason=error.strerror, flag="--output_dir")


def check_free(run: RunDirectory) -> None:
    """Raises RunDirectoryError if the directory already contains a run."""
    if run.holds_a_run():
        raise RunDirectoryError("run_exists", path=run.path)


def run_directory_of(checkpoint: Path) -> RunDirectory:
    """The run directory of a checkpoint file, even if the path is relative to a directory inside it."""
    directory = checkpoint.parent
    own = RunDirectory(directory)
    if checkpoint.name in (own.latest.name, own.best.name) or directory.resolve().name != own.checkpoints.name:
        return own
    return RunDirectory(directory.parent if directory.name == own.checkpoints.name else directory.resolve().parent)
