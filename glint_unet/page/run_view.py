"""A run, live: state, curves, pictures, log, settings, environment, and how to go on."""

import asyncio
from pathlib import Path
from typing import Any

from markupsafe import escape
from nicegui import ui

from glint_unet.errors import GlintError, PageError
from glint_unet.experiments.comparison import led_results
from glint_unet.experiments.run_info import RunInfo, read_run
from glint_unet.messages import text
from glint_unet.page.control import resume_run, stop_run
from glint_unet.page.parts import (
    STATE_COLOURS,
    chart_card,
    command_line,
    facts_list,
    heading,
    number,
    plain_table,
    state_name,
    time_span,
)
from glint_unet.page.visit import Visit, link
from glint_unet.report.charts import curve_figures
from glint_unet.report.page import data_facts, environment_facts, history_of, next_commands, settings_tables
from glint_unet.runs.json_file import as_count
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import RUNNING

_EVERY_S = 1.0
_LOG_BYTES = 16_384
_PICTURES = ("predictions.png", "worst.png")


def build(visit: Visit) -> None:
    """Builds the view of the run whose relative path is the parameter `name`."""
    name = visit.query.get("name", "")
    path = visit.context.run_path(name)
    info = read_run(path)
    heading(text("ui_run_title", name=path.name))
    with ui.row().classes("items-center full-width"):
        state = ui.badge().classes("q-pa-xs").props('id="state"')
        facts = ui.label().classes("glint-muted").props('id="progress"')
        ui.space()
        stop, resume = _controls(visit, path)
        if RunDirectory(path).report.exists():
            ui.link(text("ui_report"), link("/file/report.html", of=name), new_tab=True)
    bar = ui.linear_progress(0, show_value=False).props(f'rounded size=8px aria-label="{text("ui_progress")}"')
    curves = ui.element("div").classes("glint-grid")
    pictures = ui.element("div").classes("glint-grid")
    leds = ui.element("div").classes("full-width")
    heading(text("ui_log"), 2)
    log = ui.element("pre").classes("glint-log").props(f'tabindex=0 role=region aria-label="{text("ui_log")}"')
    _settings(RunDirectory(path), info)
    seen: dict[str, Any] = {}

    async def refresh() -> None:
        info = await asyncio.to_thread(read_run, path)
        _show_state(info, state, facts, bar)
        stop.set_visibility(visit.context.allow_control and info.state == RUNNING)
        resume.set_visibility(visit.context.allow_control and info.is_resumable)
        tail = await asyncio.to_thread(_tail, RunDirectory(path).log)
        if _changed(seen, "log", tail):
            log.clear()
            with log:
                ui.html(escape(tail), sanitize=False)
            ui.run_javascript(f"const log = getHtmlElement({log.id}); log.scrollTop = log.scrollHeight")
        if _changed(seen, "epochs", (len(info.rows), info.best.get("epoch"))):
            _show_epochs(path, info, curves, leds)
        if _changed(seen, "pictures", stamps := _stamps(path)):
            _show_pictures(name, stamps, pictures)

    ui.timer(_EVERY_S, visit.does(refresh))


def _controls(visit: Visit, path: Path) -> tuple[ui.button, ui.button]:
    def allowed() -> None:
        if not visit.context.allow_control:
            raise PageError("ui_no_control")

    def stop() -> None:
        allowed()
        stop_run(path)
        ui.notify(text("ui_stopping"))

    def resume() -> None:
        allowed()
        resume_run(path)
        ui.notify(text("ui_resuming"))

    first = ui.button(text("ui_stop"), icon="stop", on_click=visit.does(stop)).props("outline no-caps")
    second = ui.button(text("ui_resume"), icon="play_arrow", on_click=visit.does(resume)).props("outline no-caps")
    for button in (first, second):
        button.set_visibility(False)
    return first, second


def _show_state(info: RunInfo, state: ui.badge, facts: ui.label, bar: ui.linear_progress) -> None:
    state.set_text(state_name(info.state))
    state.props(f"color={STATE_COLOURS[info.state]}")
    best = as_count(info.best.get("epoch"))
    words = [text("ui_epochs_done", epoch=info.epoch, epochs=info.epochs or "?")]
    if best:
        f1, px = number(info.best.get("f1"), 3), number(info.best.get("px_median"), 2)
        words.append(text("ui_best", epoch=best, f1=f1, px=px))
    if info.remaining_s is not None:
        words.append(text("ui_left", time=time_span(info.remaining_s)))
    if info.reason:
        words.append(info.reason)
    facts.set_text("  ·  ".join(words))
    bar.set_value(min(1.0, info.epoch / info.epochs) if info.epochs else 0.0)


def _show_epochs(path: Path, info: RunInfo, curves: ui.element, leds: ui.element) -> None:
    curves.clear()
    leds.clear()
    try:
        history = history_of(RunDirectory(path))
    except GlintError:
        with curves:
            ui.label(text("ui_no_epoch")).classes("glint-muted")
        return
    with curves:
        for figure in curve_figures(history, as_count(info.best.get("epoch"))):
            chart_card(figure)
    rows = _led_rows(info)
    if rows:
        with leds:
            heading(text("report_leds"), 2)
            head = ["LED", text("report_present"), text("report_recall"), text("ui_mistaken")]
            plain_table(text("report_leds"), head, rows)


def _led_rows(info: RunInfo) -> list[list[str]]:
    """Name, number of glints, shares found and mistaken for another LED, for each LED at the best epoch."""
    results = led_results(info).items()
    return [[name, str(led.num_present), number(led.recall, 3), number(led.mistaken, 3)] for name, led in results]


def _show_pictures(name: str, stamps: dict[str, int], pictures: ui.element) -> None:
    titles = {"predictions.png": text("ui_predictions"), "worst.png": text("ui_worst")}
    pictures.clear()
    with pictures:
        for file, stamp in stamps.items():
            address = link(f"/file/{file}", of=name, at=stamp)
            with ui.element("figure").classes("glint-card").style("margin: 0"), ui.link(target=address, new_tab=True):
                ui.element("img").classes("glint-picture").props(f'src="{address}" alt="{titles[file]}" loading=lazy')


def _stamps(path: Path) -> dict[str, int]:
    stamps = {}
    for file in _PICTURES:
        try:
            stamps[file] = (path / file).stat().st_mtime_ns
        except OSError:
            continue
    return stamps


def _settings(run: RunDirectory, info: RunInfo) -> None:
    tables = settings_tables(info.settings)
    sections = [
        (text("report_changed"), tables.changed),
        (text("report_data"), data_facts(run, info.settings)),
        (text("report_environment"), environment_facts(run)),
    ]
    with ui.element("div").classes("glint-grid"):
        for title, facts in sections:
            if facts:
                with ui.element("section").classes("glint-card"):
                    heading(title, 2)
                    facts_list(facts)
    with ui.expansion(text("report_defaults", num=len(tables.others))).classes("full-width glint-card"):
        facts_list(tables.others)
    heading(text("report_commands"), 2)
    for title, command in next_commands(run, info.settings, info.epochs or info.epoch):
        command_line(title, command)


def _tail(path: Path) -> str:
    """The last lines of a log; empty if it cannot be read."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _LOG_BYTES))
            lines = file.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return lines if size <= _LOG_BYTES else lines.partition("\n")[2]


def _changed(seen: dict[str, Any], key: str, value: Any) -> bool:
    before = seen.get(key)
    seen[key] = value
    return bool(value != before)
