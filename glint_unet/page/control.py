"""Stops runs softly and resumes them, where the server allows it."""

import socket
import subprocess
from pathlib import Path

import psutil

from glint_unet.errors import PageError
from glint_unet.experiments.run_info import read_run
from glint_unet.own_command import train_command
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import RunStatus


def stop_run(path: Path) -> None:
    """Asks the process that writes to a run directory to save its state and end, as Ctrl-C does.

    Raises:
        PageError: nothing writes there, or it is a process of another machine or user.
    """
    run = RunDirectory(path)
    status = RunStatus.read(run)
    if not run.is_locked() or status is None:
        raise PageError("ui_not_running", name=path.name)
    if status.host != socket.gethostname():
        raise PageError("ui_runs_elsewhere", name=path.name, host=status.host)
    try:
        process = psutil.Process(status.pid)
        # the number may have passed to another process, and the file may be anyone's
        if run.lock_file.resolve() not in [Path(file.path).resolve() for file in process.open_files()]:
            raise PageError("ui_cannot_stop", name=path.name, pid=status.pid)
        process.terminate()
    except (psutil.Error, ValueError, OverflowError) as error:
        raise PageError("ui_cannot_stop", name=path.name, pid=status.pid) from error


def resume_run(path: Path) -> None:
    """Resumes a run in a process of its own, which outlives the server; its console goes to console.log.

    Raises:
        PageError: the run cannot be resumed, or no process can be started.
    """
    if not read_run(path).is_resumable:
        raise PageError("ui_not_resumable", name=path.name)
    try:
        with (path / "console.log").open("ab") as console:
            subprocess.Popen(
                train_command(["--resume", str(path.resolve()), "--no_progress"]),
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        raise PageError("ui_cannot_resume", name=path.name, reason=error.strerror) from error
