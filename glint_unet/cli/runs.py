"""`glint-unet runs`: lists the runs below a directory, with their state and how to resume them."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import tyro

from glint_unet.cli.arguments import parse
from glint_unet.cli.tables import aligned, as_csv
from glint_unet.console import duration
from glint_unet.errors import SettingError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting

if TYPE_CHECKING:
    from glint_unet.experiments.run_info import RunInfo

_MOST_COMMANDS = 10
_SILENT_S = 120.0
_LONGEST_CELL = 36


@dataclass(frozen=True)
class RunsArguments(Settings):
    """List the runs in a directory and up to four levels below it, newest first: state, epochs, best epoch, data."""

    directory: tyro.conf.Positional[str] = "runs"
    """Where to look."""
    state: Literal["all", "running", "finished", "interrupted", "failed", "crashed", "damaged"] = "all"
    """Show only runs in this state."""
    json: bool = False
    """Print JSON instead of a table."""
    csv: bool = False
    """Print CSV instead of a table."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = RunsArguments


def run(argv: Sequence[str]) -> int:
    """Prints the list."""
    arguments = parse(RunsArguments, argv, "glint-unet runs")
    if arguments.json and arguments.csv:
        raise SettingError("json_or_csv")
    from glint_unet.experiments.run_list import as_record, list_runs

    root = Path(arguments.directory)
    found = [run for run in list_runs(root) if arguments.state in ("all", run.state)]
    if arguments.json:
        print(json.dumps([as_record(run) for run in found], ensure_ascii=False, indent=2))
    elif arguments.csv:
        print(as_csv([as_record(run) for run in found]), end="")
    elif found:
        _print_table(found, root)
    else:
        print(text("runs_none", path=root))
    return 0


def _print_table(runs: "list[RunInfo]", root: Path) -> None:
    from glint_unet.own_command import resume_command

    print("\n".join(aligned([text("runs_columns").split(), *(_row(run, root) for run in runs)])))
    for run in runs:
        if run.reason and run.state == "failed":
            print(text("runs_reason", name=_name(run, root), reason=run.reason))
    resumable = [run for run in runs if run.is_resumable]
    for run in resumable[:_MOST_COMMANDS]:
        print(text("runs_resume", name=_name(run, root), command=resume_command(run.path)))
    if len(resumable) > _MOST_COMMANDS:
        print(text("runs_more_to_resume", num=len(resumable) - _MOST_COMMANDS))


def _row(run: "RunInfo", root: Path) -> list[str]:
    now = time.time()
    epoch = run.best.get("epoch")
    silent_s = now - run.updated if run.state == "running" and run.updated else 0.0
    return [
        _name(run, root),
        _state(run.state) + (text("runs_silent", since=duration(silent_s)) if silent_s > _SILENT_S else ""),
        f"{run.epoch}/{run.epochs or '?'}",
        str(int(epoch)) if epoch else "-",
        _number(run.best.get("total"), 4),
        _number(run.best.get("f1"), 3),
        _number(run.best.get("px_median"), 2),
        Path(run.dataset).name[-_LONGEST_CELL:] or "-",
        run.device.partition(" (")[0] or "-",
        duration(max(0.0, now - run.started)) if run.started else "-",
        "-" if run.remaining_s is None else duration(run.remaining_s),
    ]


def _state(state: str) -> str:
    return {
        "running": text("state_running"),
        "finished": text("state_finished"),
        "interrupted": text("state_interrupted"),
        "failed": text("state_failed"),
        "crashed": text("state_crashed"),
        "damaged": text("state_damaged"),
    }[state]


def _name(run: "RunInfo", root: Path) -> str:
    name = str(run.path.relative_to(root))
    shown = root.resolve().name if name == "." else name
    return "".join(c if c.isprintable() else "?" for c in shown)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
