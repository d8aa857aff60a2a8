"""The sweeps below the directory of runs: trials, the best one, importance of the settings."""

import asyncio
import csv
import os
from collections.abc import Iterator
from pathlib import Path

from nicegui import ui

from glint_unet.messages import text
from glint_unet.page.parts import facts_list, heading, plain_table
from glint_unet.page.visit import Visit, link
from glint_unet.runs.json_file import as_dict, as_text, read_json

_EVERY_S = 3.0
_MOST_LEVELS = 4
_MOST_TRIALS = 1000
_HIDDEN = ("runs", "seconds")
_RECORD, _TABLE, _PICTURE = "sweep.json", "sweep.csv", "sweep.png"


def build(visit: Visit) -> None:
    """Builds the list of sweeps, or the sweep whose relative path is the parameter `name`."""
    name = visit.query.get("name")
    if name is None:
        _list(visit)
    else:
        _sweep(visit, name, visit.context.run_path(name))


def _list(visit: Visit) -> None:
    heading(text("ui_sweeps"))
    found = sorted(sweep_directories(visit.context.runs))
    if not found:
        ui.label(text("ui_no_sweeps", path=visit.context.runs)).classes("glint-muted")
    for path in found:
        name = str(path.relative_to(visit.context.runs))
        ui.link(path.resolve().name if name == "." else name, link("/sweeps", name=name))


def _sweep(visit: Visit, name: str, path: Path) -> None:
    heading(text("ui_sweep_title", name=path.name))
    facts = ui.element("div").classes("full-width")
    trials = ui.element("div").classes("full-width")
    picture = ui.element("div").classes("full-width")
    seen: list[object] = []

    async def refresh() -> None:
        table = await asyncio.to_thread(read_table, path / _TABLE)
        record = as_dict(await asyncio.to_thread(read_json, path / _RECORD))
        stamp = _stamp(path / _PICTURE)
        if seen == [table, record, stamp]:
            return
        seen[:] = [table, record, stamp]
        for part in (facts, trials, picture):
            part.clear()
        with facts:
            facts_list((key, as_text(value) or value) for key, value in record.items())
        with trials:
            _show_trials(visit, name, table)
        if stamp is not None:
            address = link(f"/file/{_PICTURE}", of=name, at=stamp)
            with picture:
                ui.element("img").classes("glint-picture").props(f'src="{address}" alt="{text("ui_sweep_picture")}"')

    ui.timer(_EVERY_S, visit.does(refresh))


def _show_trials(visit: Visit, name: str, table: list[dict[str, str]]) -> None:
    if not table:
        ui.label(text("ui_no_trial")).classes("glint-muted")
        return
    head = [column for column in table[0] if column not in _HIDDEN]
    plain_table(text("ui_trials"), head, [[row.get(column) or "-" for column in head] for row in table])
    runs = [run for row in table for run in (row.get("runs") or "").split()]
    there = [run for run in runs if (visit.context.runs / name / run).is_dir()]
    with ui.row().classes("items-center"):
        if len(there) > 1:
            ui.link(text("ui_compare"), link("/compare", run=[f"{name}/{run}" for run in there[:8]]))
        for run in there[:50]:
            ui.link(run, link("/run", name=f"{name}/{run}"))


def sweep_directories(directory: Path, levels: int = _MOST_LEVELS) -> Iterator[Path]:
    """The directories with a sweep in a directory and some levels below it; links are not followed."""
    try:
        with os.scandir(directory) as entries:
            found = list(entries)
    except OSError:
        return
    if any(entry.name == _RECORD for entry in found):
        yield directory
        return
    for entry in found:
        if levels and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
            yield from sweep_directories(directory / entry.name, levels - 1)


def read_table(path: Path) -> list[dict[str, str]]:
    """The rows of sweep.csv, as text by column; none if it is missing or damaged."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as file:
            rows = csv.DictReader(file)
            return [
                {str(key): str(value or "") for key, value in row.items()}
                for row, _ in zip(rows, range(_MOST_TRIALS), strict=False)
            ]
    except (OSError, csv.Error):
        return []


def _stamp(path: Path) -> int | None:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return None
