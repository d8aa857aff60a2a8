"""Pieces that several views use."""

from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup
from nicegui import ui

from glint_unet.console import duration
from glint_unet.experiments.run_info import CRASHED, DAMAGED
from glint_unet.messages import text
from glint_unet.report.charts import Figure, Key
from glint_unet.runs.status import FAILED, FINISHED, INTERRUPTED, RUNNING

STATE_COLOURS = {
    RUNNING: "blue-8",
    FINISHED: "green-9",
    INTERRUPTED: "brown-8",
    FAILED: "red-9",
    CRASHED: "red-9",
    DAMAGED: "grey-8",
}


def state_name(state: str) -> str:
    """The state of a run in the visitor's language."""
    return {
        RUNNING: text("state_running"),
        FINISHED: text("state_finished"),
        INTERRUPTED: text("state_interrupted"),
        FAILED: text("state_failed"),
        CRASHED: text("state_crashed"),
        DAMAGED: text("state_damaged"),
    }[state]


def heading(title: str, level: int = 1) -> None:
    """A heading."""
    ui.html(Markup("<h{0}>{1}</h{0}>").format(level, title), sanitize=False)


def chart_card(figure: Figure) -> None:
    """A chart with its heading, legend and note."""
    with ui.element("figure").classes("glint-card").style("margin: 0"):
        ui.html(Markup("<figcaption><b>{}</b></figcaption>").format(figure.title), sanitize=False)
        ui.html(figure.svg, sanitize=False).classes("glint-chart full-width")
        ui.html(Markup(" ").join(map(_key, figure.keys)), sanitize=False).classes("text-caption")
        if figure.note:
            ui.label(figure.note).classes("text-caption glint-muted")


def _key(key: Key) -> Markup:
    style = "dashed" if key.is_dashed else "solid"
    line = Markup('<span style="display: inline-block; width: 1.5em; border-top: 3px {} {}; vertical-align: middle">')
    return (line + Markup("</span> {}&emsp;")).format(style, key.colour, key.name)


def facts_list(facts: Iterable[tuple[str, Any]]) -> None:
    """Names and values, one below the other."""
    rows = Markup("").join(Markup("<dt>{}</dt><dd>{}</dd>").format(name, value) for name, value in facts)
    ui.html(Markup('<dl class="glint-facts">{}</dl>').format(rows), sanitize=False).classes("full-width")


def plain_table(title: str, head: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A small table, all rows shown; it can be scrolled sideways by keyboard."""
    names = Markup("").join(Markup('<th scope="col">{}</th>').format(name) for name in head)
    lines = Markup("").join(
        Markup('<tr><th scope="row">{}</th>{}</tr>').format(
            row[0], Markup("").join(Markup("<td>{}</td>").format(cell) for cell in row[1:])
        )
        for row in rows
    )
    table = Markup('<table class="glint-table"><thead><tr>{}</tr></thead><tbody>{}</tbody></table>')
    whole = Markup('<div class="glint-scroll" tabindex="0" role="region" aria-label="{}">{}</div>')
    ui.html(whole.format(title, table.format(names, lines)), sanitize=False).classes("full-width")


def command_line(name: str, command: str) -> None:
    """A shell command with a button that copies it."""
    ui.label(name).classes("glint-muted text-caption")
    with ui.row().classes("items-center no-wrap full-width"):
        ui.label(command).classes("glint-code col")
        copy = ui.button(icon="content_copy", on_click=lambda: ui.clipboard.write(command))
        copy.props(f'flat dense round aria-label="{text("ui_copy")}"')


def number(value: float | None, digits: int) -> str:
    """A number, or a dash if it is unknown."""
    return "-" if value is None else f"{value:.{digits}f}"


def time_span(seconds: float | None) -> str:
    """A time span, or a dash if it is unknown."""
    return "-" if seconds is None else duration(max(0.0, seconds))
