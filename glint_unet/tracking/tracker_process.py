"""The process that sends a run to its trackers, as the training sees it: started, checked for errors, ended."""

import subprocess
from importlib.util import find_spec

from glint_unet.errors import SettingError
from glint_unet.extras import missing_package
from glint_unet.messages import text
from glint_unet.own_command import command_words, own_command
from glint_unet.runs.json_file import as_dict, as_text, read_json
from glint_unet.runs.run_directory import RunDirectory

TRACKERS = ("tensorboard", "mlflow", "wandb")

_WAIT_S = 30.0


def tracker_names(setting: str) -> list[str]:
    """The trackers that `--tracker` names.

    Raises:
        SettingError: an unknown one.
        MissingPackageError: its package is not installed.
    """
    names = list(dict.fromkeys(name.strip() for name in setting.split(",") if name.strip()))
    for name in names:
        if name not in TRACKERS:
            raise SettingError("setting_not_a_choice", flag="tracker", value=name, choices=", ".join(TRACKERS))
        if find_spec(name) is None:
            raise missing_package(name)
    return names


class TrackerProcess:
    """A process that reads the files of the run and sends them to trackers; it never delays or stops the training.

    Every method returns lines for the log, usually none.

    Args:
        run: the run directory.
        names: the trackers; if there are none, there is no process.
    """

    def __init__(self, run: RunDirectory, names: list[str]) -> None:
        self._run = run
        self._names = names
        self._reported: set[str] = set()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> list[str]:
        """Starts the process; call it once status.json says that the run is in progress."""
        if not self._names:
            return []
        names = ", ".join(self._names)
        words = ["track", str(self._run.path), "--tracker", ",".join(self._names), "--follow"]
        try:
            with self._run.tracking_log.open("ab") as log:
                # a session of its own: Ctrl-C stops the training first, which then ends this process
                self._process = subprocess.Popen(
                    command_words(words), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
                )
        except OSError as error:
            return [text("tracker_failed", name=names, reason=error, path=self._run.tracking_log)]
        return [text("tracker_started", names=names)]

    def new_errors(self) -> list[str]:
        """A line for each tracker that has begun to fail since the last call."""
        if self._process is None:
            return []
        tracking = as_dict(read_json(self._run.tracking))
        lines = []
        for name in self._names:
            error = as_text(as_dict(tracking.get(name)).get("error"))
            if error and name not in self._reported:
                lines.append(text("tracker_failed", name=name, reason=error[:200], path=self._run.tracking_log))
            self._reported = self._reported | {name} if error else self._reported - {name}
        return lines

    def finish(self, wait_s: float | None = None) -> list[str]:
        """Waits until everything is sent, but not for trackers that fail; ends the process.

        Args:
            wait_s: how long at most, in seconds; None: the usual time.

        Returns:
            New errors, and if something was not sent, the command that sends it later.
        """
        if self._process is None:
            return []
        lines = self.new_errors()
        status = None
        try:
            status = self._process.wait(0 if self._reported else _WAIT_S if wait_s is None else wait_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        if status != 0:
            command = own_command(["track", str(self._run.path), "--tracker", ",".join(self._names)])
            lines.append(text("tracker_late", command=command))
        return lines
