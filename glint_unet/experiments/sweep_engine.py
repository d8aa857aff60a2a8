"""Where the training processes of a sweep run: an engine starts a process and says how it ended."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from glint_unet.files import writing
from glint_unet.own_command import train_command


class TrainingProcess(Protocol):
    """A training process, on this machine or another."""

    def status(self) -> int | None:
        """The exit status: 0 for a finished run, negative for a signal; None while the process is running."""

    def stop(self) -> None:
        """Asks the process to save its state and to end, which takes some time; further calls do nothing."""


class Engine(Protocol):
    """Starts training processes. A sweep knows nothing else about where they run."""

    def start(self, flags: Sequence[str], console: Path) -> TrainingProcess:
        """Starts `glint-unet train FLAGS`.

        Args:
            flags: the flags; they contain the run directory and the device.
            console: file that the output is appended to.
        """


class LocalEngine:
    """Processes of this machine, each in a group of its own: Ctrl-C reaches the sweep alone, which stops them softly.

    They end softly with the sweep, even if that is killed (docs/adr/0022).
    """

    def start(self, flags: Sequence[str], console: Path) -> "LocalProcess":
        """See `Engine`."""
        with writing(console), console.open("ab") as output:
            return LocalProcess(
                subprocess.Popen(
                    train_command(flags, stops_with_parent=True),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    process_group=0,
                )
            )


class LocalProcess:
    """A child process.

    Args:
        process: the process.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._is_stopped = False

    def status(self) -> int | None:
        """See `TrainingProcess`."""
        return self._process.poll()

    def stop(self) -> None:
        """See `TrainingProcess`."""
        if not self._is_stopped:
            self._is_stopped = True
            self._process.terminate()
