"""Runs side by side: curves in the same axes, metrics, what differs."""

import asyncio

from nicegui import ui

from glint_unet.errors import PageError
from glint_unet.experiments.comparison import compare_runs, statements
from glint_unet.experiments.comparison_page import comparison_parts
from glint_unet.experiments.run_info import RunInfo, read_run
from glint_unet.messages import text
from glint_unet.page.parts import chart_card, heading, plain_table
from glint_unet.page.visit import Visit

_EVERY_S = 3.0
_MOST_RUNS = 50


def build(visit: Visit) -> None:
    """Builds the comparison of the runs whose relative paths are the parameters `run`."""
    paths = [visit.context.run_path(name) for name in visit.queries.get("run", [])]
    if not 2 <= len(paths) <= _MOST_RUNS:
        raise PageError("ui_compare_number", num=len(paths), most=_MOST_RUNS)
    heading(text("report_comparison_title"))
    summary = ui.label().classes("glint-muted")
    curves = ui.element("div").classes("glint-grid")
    tables = ui.element("div").classes("column full-width").style("gap: 14px")
    seen: list[tuple[int, float | None]] = []

    async def refresh() -> None:
        runs = await asyncio.to_thread(lambda: [read_run(path) for path in paths])
        stand = [(run.epoch, run.best.get("epoch")) for run in runs]
        if stand == seen:
            return
        seen[:] = stand
        _show(runs, summary, curves, tables)

    ui.timer(_EVERY_S, visit.does(refresh))


def _show(runs: list[RunInfo], summary: ui.label, curves: ui.element, tables: ui.element) -> None:
    comparison = compare_runs(runs)
    figures, found = comparison_parts(runs, comparison)
    summary.set_text(". ".join(statements(comparison)))
    curves.clear()
    with curves:
        for figure in figures:
            chart_card(figure)
    tables.clear()
    with tables:
        for table in found:
            heading(table.title, 2)
            plain_table(table.title, table.head, table.rows)
