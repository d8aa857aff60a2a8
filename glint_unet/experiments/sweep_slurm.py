"""Training processes of a sweep as jobs of a Slurm cluster, through submitit.

The directory of the sweep must be visible on all nodes. Jobs outlive a sweep that is killed: the next call cancels
them, waits until they have saved their state, and resumes their runs.
"""

import contextlib
import signal
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from glint_unet.errors import SettingError, one_line
from glint_unet.extras import optional_package
from glint_unet.files import append_text
from glint_unet.own_command import train_command
from glint_unet.runs.run_directory import RunDirectory

_GENERIC = ("cpus_per_task", "gpus_per_node", "mem_gb", "timeout_min", "name")
_NAME = "glint-sweep"
_LOOK_EVERY_S = 0.1


class TrainingJob:
    """What a job runs: a training, which is resumed if Slurm requeues the job.

    Args:
        flags: flags of `train`.
        console: file that the output is appended to.
    """

    def __init__(self, flags: Sequence[str], console: Path) -> None:
        self._flags = list(flags)
        self._console = console
        self._process: subprocess.Popen[bytes] | None = None
        self._status: int | None = None

    def __call__(self) -> int:
        """Trains; returns the exit status."""
        with self._console.open("ab") as output:
            self._process = subprocess.Popen(
                train_command(self._flags_now()), stdin=subprocess.DEVNULL, stdout=output, stderr=output
            )
            threading.Thread(target=self._note_status, daemon=True).start()
            try:
                return self._ended()
            except KeyboardInterrupt:  # a cancelled job of submitit's local executor
                return self._stop()

    def _note_status(self) -> None:
        assert self._process is not None
        self._status = self._process.wait()

    def _ended(self) -> int:
        """The exit status, once there is one.

        Polls, since it is also called within a signal handler, where the lock of an interrupted wait would never open.
        """
        while self._status is None:
            time.sleep(_LOOK_EVERY_S)
        return self._status

    def _flags_now(self) -> list[str]:
        """The flags; with those of a resume in place of a new start, once there is a checkpoint."""
        run = next((word.partition("=")[2] for word in self._flags if word.startswith("--output_dir=")), None)
        if run is None or not RunDirectory(Path(run)).holds_a_run():
            return self._flags
        return [f"--resume={run}", "--no_progress"]

    def _stop(self) -> int:
        """Lets the training save its state and end; returns the exit status."""
        assert self._process is not None
        self._process.terminate()
        return self._ended()

    def checkpoint(self) -> Any:
        """Called by submitit before the time limit or a preemption: the state is saved, and the job is requeued."""
        self._stop()
        submitit = optional_package("submitit")
        return submitit.helpers.DelayedSubmission(TrainingJob(self._flags, self._console))


class SubmititEngine:
    """Submits every training as a job.

    Args:
        directory: the directory of the sweep.
        options: options of the jobs: cpus_per_task, gpus_per_node, mem_gb, timeout_min, and those of sbatch, such as
            partition.
        cluster: slurm, or local for processes of this machine.

    Raises:
        SettingError: submitit or Slurm is missing, or an option is unknown.
        MissingPackageError: submitit is not installed.
    """

    def __init__(self, directory: Path, options: Mapping[str, str | int], cluster: str = "slurm") -> None:
        submitit = optional_package("submitit")
        self._folder = directory / "jobs"
        self._ids = self._folder / "submitted.txt"
        self._folder.mkdir(parents=True, exist_ok=True)
        named = {name if name in _GENERIC else f"slurm_{name}": value for name, value in options.items()}
        try:
            self._executor = submitit.AutoExecutor(self._folder, cluster=cluster)
            self._executor.update_parameters(**{"name": _NAME, **named})
        except (RuntimeError, NameError, ValueError, TypeError) as error:
            raise SettingError("sweep_cluster", reason=one_line(error)) from error
        self._cancel_earlier()

    def _cancel_earlier(self) -> None:
        """Cancels the jobs of a killed sweep: those that wait in the queue would collide with those submitted now."""
        with contextlib.suppress(FileNotFoundError):
            for number in self._ids.read_text().split():
                job = self._executor.job_class(self._folder, number)
                if not job.done():
                    job.cancel(check=False)
            self._ids.unlink()

    def start(self, flags: Sequence[str], console: Path) -> "SubmittedTraining":
        """See `Engine`."""
        job = self._executor.submit(TrainingJob(flags, console.absolute()))
        append_text(self._ids, f"{job.job_id}\n")
        return SubmittedTraining(job)


class SubmittedTraining:
    """A job.

    Args:
        job: the job of submitit.
    """

    def __init__(self, job: Any) -> None:
        self._job = job
        self._is_stopped = False

    def status(self) -> int | None:
        """See `TrainingProcess`; a job that the cluster has ended, or lost with its node, counts as interrupted."""
        if not self._job.done():
            return None
        core = optional_package("submitit.core.utils")
        try:
            return int(self._job.result())
        except core.UncompletedJobError:
            return -signal.SIGTERM
        except core.FailedJobError:
            return 1

    def stop(self) -> None:
        """See `TrainingProcess`."""
        if not self._is_stopped:
            self._is_stopped = True
            self._job.cancel(check=False)
