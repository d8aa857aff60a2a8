"""`glint-unet track`: sends a run to experiment trackers, later or while it trains (`train --tracker` starts this)."""

import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from glint_unet.cli.arguments import parse
from glint_unet.errors import RunDirectoryError, SettingError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting, setting

_GRACE_S = 30.0


@dataclass(frozen=True)
class TrackArguments(Settings):
    """Send the metrics, settings and pictures of a run to TensorBoard, MLflow or W&B: all that was not sent before."""

    run: tyro.conf.Positional[str]
    """Run directory."""
    tracker: str = setting("", is_path=False)
    """Comma-separated: tensorboard, mlflow, wandb."""
    follow: bool = False
    """Continue until the run ends."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = TrackArguments


def run(argv: Sequence[str]) -> int:
    """Sends the run; returns 1 if a tracker did not take everything."""
    arguments = parse(TrackArguments, argv, "glint-unet track")
    from glint_unet.runs.run_directory import RunDirectory
    from glint_unet.tracking.following import end_after, run_is_over, track
    from glint_unet.tracking.tracker_process import TRACKERS, tracker_names

    path = Path(arguments.run).absolute()
    names = tracker_names(arguments.tracker)
    if not names:
        raise SettingError("tracker_missing", choices=", ".join(TRACKERS))
    if not RunDirectory(path).training_args.is_file():
        raise RunDirectoryError("not_a_run", path=path)
    _keep_at_home(path)
    if arguments.follow:
        os.nice(10)
        end_after(lambda: run_is_over(path), _GRACE_S, lambda: os._exit(1))
        errors = track(path, names, lambda: run_is_over(path))
    else:
        errors = track(path, names, lambda: True)
    for name, error in errors.items():
        print(text("tracker_not_sent", name=name, reason=error), file=sys.stderr)
    if not errors:
        print(text("tracker_sent", path=path, names=", ".join(names)))
    return 1 if errors else 0


def _keep_at_home(path: Path) -> None:
    """Defaults of the trackers with which nothing leaves the machine, unless the user's environment says otherwise."""
    defaults = {
        "WANDB_MODE": "offline",
        "WANDB_ERROR_REPORTING": "false",
        "MLFLOW_TRACKING_URI": (path.parent / "mlruns").as_uri(),
        "MLFLOW_ALLOW_FILE_STORE": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": "15",
        "DO_NOT_TRACK": "true",
    }
    for name, value in defaults.items():
        os.environ.setdefault(name, value)
