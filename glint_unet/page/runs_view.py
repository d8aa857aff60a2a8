"""The list of all runs: live, sorted, filtered; some can be chosen to be compared."""

import asyncio
import time
from functools import lru_cache
from pathlib import Path
from typing import Any

from nicegui import ui

from glint_unet.experiments.run_info import STATES
from glint_unet.messages import text
from glint_unet.page.machine import machine_lines
from glint_unet.page.parts import STATE_COLOURS, heading, state_name, time_span
from glint_unet.page.runs_index import Row, RunsIndex
from glint_unet.page.visit import Visit, link

_EVERY_S = 2.0
_ALL = "all"

_NAME_CELL = """
<q-td :props="props"><a :href="props.row.link" class="text-primary">{{ props.value }}</a></q-td>
"""
_STATE_CELL = """
<q-td :props="props"><q-badge :color="props.row.colour" class="q-pa-xs">{{ props.value }}</q-badge></q-td>
"""
_CHOICE_CELL = """
<q-td auto-width><q-checkbox v-model="props.selected" dense :aria-label="props.row.choice" /></q-td>
"""


@lru_cache(maxsize=8)
def index_of(root: Path) -> RunsIndex:
    """The index of a directory, shared by all visitors."""
    return RunsIndex(root)


def build(visit: Visit) -> None:
    """Builds the view."""
    index = index_of(visit.context.runs)
    heading(text("ui_runs"))
    machine = ui.label().classes("glint-muted text-caption").style("white-space: pre-line")
    with ui.row().classes("items-center full-width"):
        search = ui.input(text("ui_filter")).props("dense outlined clearable").style("min-width: 14rem")
        names = {_ALL: text("ui_all_states"), **{state: state_name(state) for state in STATES}}
        states = ui.select(names, value=_ALL, label=text("ui_state")).props("dense outlined").style("min-width: 11rem")
        compare = ui.button(text("ui_compare"), icon="compare_arrows").props("no-caps outline")
        found = ui.label().classes("glint-muted")
    table = _table()
    search.bind_value_to(table, "filter")

    def go_to_comparison() -> None:
        chosen = [row["name"] for row in table.selected]
        if len(chosen) < 2:
            ui.notify(text("ui_choose_two"))
        else:
            ui.navigate.to(link("/compare", run=chosen))

    compare.on_click(visit.does(go_to_comparison))

    async def refresh() -> None:
        rows = await asyncio.to_thread(index.rows)
        shown = [_shown(row) for row in rows if states.value in (_ALL, row.info.state)]
        machine.set_text("\n".join(machine_lines()))
        found.set_text(text("ui_num_runs", num=len(shown), path=visit.context.runs))
        if shown != table.rows:
            table.rows = shown
            table.update()

    states.on_value_change(visit.does(refresh))
    ui.timer(_EVERY_S, visit.does(refresh))


def _table() -> ui.table:
    columns = [_column(name, label, digits) for name, label, digits in _columns()]
    table = ui.table(
        rows=[], columns=columns, row_key="name", selection="multiple", pagination={"rowsPerPage": 25, "sortBy": None}
    )
    table.classes("full-width").props(f'flat dense wrap-cells=false aria-label="{text("ui_runs")}"')
    table.props(f'rows-per-page-label="{text("ui_rows_per_page")}"')
    table.props(f'no-data-label="{text("ui_no_runs")}" no-results-label="{text("ui_no_runs")}"')
    table.add_slot("body-cell-name", _NAME_CELL)
    table.add_slot("body-cell-state", _STATE_CELL)
    table.add_slot("body-selection", _CHOICE_CELL)
    choice_of_all = f'<q-checkbox v-model="props.selected" dense aria-label="{text("ui_choose_all")}" />'
    table.add_slot("header-selection", choice_of_all)
    return table


def _columns() -> list[tuple[str, str, int | None]]:
    """Field, heading, and digits after the point for numbers."""
    return [
        ("name", text("ui_run"), None),
        ("state", text("ui_state"), None),
        ("epoch", text("ui_epoch"), 0),
        ("best_epoch", text("ui_best_epoch"), 0),
        ("best_loss", text("ui_best_loss"), 4),
        ("best_f1", "F1", 3),
        ("best_px_median", text("ui_median_px"), 2),
        ("images_per_s", text("ui_images_per_s"), 0),
        ("remaining", text("ui_remaining"), None),
        ("dataset", text("ui_data_set"), None),
        ("device", text("ui_device"), None),
        ("age", text("ui_age"), None),
    ]


def _column(name: str, label: str, digits: int | None) -> dict[str, Any]:
    column: dict[str, Any] = {"name": name, "label": label, "field": name, "sortable": True, "align": "left"}
    if name == "epoch":
        column[":format"] = "(value, row) => value + '/' + (row.epochs || '?')"
    elif digits is not None:
        column |= {"align": "right", ":format": f"value => value == null ? '-' : value.toFixed({digits})"}
    if name in ("remaining", "age"):
        column[":sort"] = f"(a, b, x, y) => (x.{name}_s ?? Infinity) - (y.{name}_s ?? Infinity)"
    return column


def _shown(row: Row) -> dict[str, Any]:
    record, info = row.record(), row.info
    age_s = None if info.started is None else time.time() - info.started
    name = row.name if row.name != "." else info.path.resolve().name
    return {
        **{key: record[key] for key in ("epoch", "epochs", "best_epoch", "best_loss", "best_f1", "best_px_median")},
        "name": row.name,
        "choice": text("ui_choose", name=name),
        "link": link("/run", name=row.name),
        "state": state_name(info.state),
        "colour": STATE_COLOURS[info.state],
        "images_per_s": record["images_per_s"],
        "remaining": time_span(info.remaining_s),
        "remaining_s": info.remaining_s,
        "dataset": Path(info.dataset).name or "-",
        "device": info.device.partition(" (")[0] or "-",
        "age": time_span(None if age_s is None else age_s // 60 * 60),
        "age_s": None if age_s is None else age_s // 60 * 60,
    }
