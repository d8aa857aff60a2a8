"""The view of a data set: one image at a time, with its labels, heatmaps and what is suspicious about it."""

import asyncio
import functools
import random

import numpy as np
from nicegui import events, ui

from glint_unet.data.annotation.image_annotation import led_labels
from glint_unet.errors import GlintError
from glint_unet.messages import text
from glint_unet.page import browse_roots
from glint_unet.page.browse_index import BrowsedDataset, Choice
from glint_unet.page.browse_library import library
from glint_unet.page.browse_panel import FindingsPanel
from glint_unet.page.browse_reading import Picture
from glint_unet.page.browse_suspicion import Suspicion, suspicion_name
from glint_unet.page.eye_canvas import EyeCanvas, Mark, coloured_heatmaps
from glint_unet.page.eye_toolbar import build_toolbar, icon_button
from glint_unet.page.parts import heading
from glint_unet.page.visit import Visit, link
from glint_unet.report.palette import led_colour

_ANY = ""
_MOST_BUTTONS = 24  # of heatmaps


def build(visit: Visit) -> None:
    """Builds the view: a choice of data sets, and the chosen one."""
    known = browse_roots.data_sets(visit.context)
    heading(text("browse_title"))
    if not known:
        ui.label(text("browse_no_data"))
        return
    word = visit.query.get("data", next(iter(known)))
    select = ui.select(known, value=word if word in known else None, label=text("browse_data_set"))
    select.style("width: 420px; max-width: 100%").on_value_change(
        lambda change: ui.navigate.to(link("/data", data=change.value))
    )
    place = ui.column().classes("full-width").style("gap: 14px")

    async def open_it() -> None:
        try:
            path = browse_roots.chosen_file(visit.context, word)
            dataset = await asyncio.to_thread(library().dataset, path)
        except GlintError as error:
            place.clear()
            with place:
                ui.label(str(error)).classes("text-negative").props("role=alert")
            return
        place.clear()
        with place:
            BrowseView(visit, dataset).build()

    with place:
        ui.spinner(size="lg").props(f'aria-label="{text("browse_opening")}"')
    ui.timer(0.01, visit.does(open_it), once=True)


class BrowseView:
    """One visitor's view of one data set.

    Args:
        visit: the visit.
        dataset: shared by all visitors.
    """

    def __init__(self, visit: Visit, dataset: BrowsedDataset) -> None:
        self._visit = visit
        self._dataset = dataset
        self._info = dataset.index.info
        self._labels = led_labels(self._info.prefix, self._info.num_classes)
        self._rows = dataset.rows(Choice())
        self._position = 0
        self._picture: Picture | None = None
        self._channels: list[int] = []

    def build(self) -> None:
        """Builds the view in the current place of the page."""
        does = self._visit.does
        with ui.row().classes("full-width").style("align-items: flex-end; gap: 12px"):
            self._build_filters()
        with ui.row().classes("full-width").style("align-items: flex-start; gap: 16px"):
            with ui.column().classes("col").style("gap: 8px; min-width: min(100%, 420px)"):
                self._build_navigation()
                self._canvas = EyeCanvas()
                self._problem = ui.label().classes("text-negative").props("role=alert")
                build_toolbar(self._canvas)
                self._build_heatmap_buttons()
            with ui.column().style("gap: 12px; width: 330px; max-width: 100%; flex-grow: 1"):
                self._details = ui.column().classes("full-width").style("gap: 2px")
                FindingsPanel(self._visit, self._dataset, self._labels, on_reason=self._only, on_end=self._mark)
        ui.keyboard(on_key=does(self._on_key))
        ui.timer(0.01, does(self._show), once=True)

    def _build_filters(self) -> None:
        leds = {_ANY: text("browse_any")} | {str(k): label for k, label in enumerate(self._labels, start=1)}
        counts = {_ANY: text("browse_any")} | {str(k): str(k) for k in range(len(self._labels) + 1)}
        reasons = {_ANY: text("browse_any")} | {str(int(one)): suspicion_name(one) for one in Suspicion}
        self._missing = self._select(text("browse_missing"), leds)
        self._count = self._select(text("browse_count"), counts)
        self._reason = self._select(text("browse_reason"), reasons)
        stem = ui.input(text("browse_stem"), on_change=self._visit.does(self._refilter))
        self._stem = stem.props("dense clearable debounce=300").style("width: 140px")
        self._first = ui.switch(text("browse_suspicious_first"), on_change=self._visit.does(self._refilter))

    def _select(self, title: str, options: dict[str, str]) -> ui.select:
        select = ui.select(options, value=_ANY, label=title, on_change=self._visit.does(self._refilter))
        return select.style("min-width: 120px").props("dense options-dense")

    def _build_navigation(self) -> None:
        does = self._visit.does
        with ui.row(wrap=False).classes("full-width").style("align-items: center; gap: 4px"):
            icon_button("chevron_left", text("browse_previous"), does(lambda: self._step(-1)))
            icon_button("chevron_right", text("browse_next"), does(lambda: self._step(1)))
            icon_button("shuffle", text("browse_random"), does(self._random))
            self._number = ui.number(min=1, precision=0).style("width: 76px")
            self._number.props("dense hide-bottom-space").props(f'aria-label="{text("browse_jump")}"')
            self._number.on("keydown.enter", does(self._jump))
            self._number.on("blur", does(self._jump))
            self._of = ui.label().classes("text-no-wrap")
            self._name = ui.label().classes("col ellipsis text-right glint-muted")

    def _build_heatmap_buttons(self) -> None:
        with ui.row().style("align-items: center; gap: 6px"):
            ui.label(text("browse_heatmaps"))
            self._heat = [
                ui.button(label, on_click=self._visit.does(functools.partial(self._toggle, channel)))
                .props("dense outline no-caps color=inherit aria-pressed=false")
                .style(f"border-left: 8px solid {led_colour(channel)}; padding: 0 6px")
                for channel, label in enumerate(self._labels[:_MOST_BUTTONS])
            ]
            ui.button(text("browse_all"), on_click=self._visit.does(self._toggle_all)).props("dense flat no-caps")

    async def _refilter(self) -> None:
        choice = Choice(
            missing=int(self._missing.value) if self._missing.value else None,
            count=int(self._count.value) if self._count.value else None,
            stem=self._stem.value or "",
            reason=Suspicion(int(self._reason.value)) if self._reason.value else None,
            suspicious_first=self._first.value,
        )
        self._rows = await asyncio.to_thread(self._dataset.rows, choice)
        self._position = 0
        await self._show()

    async def _step(self, by: int) -> None:
        if len(self._rows):
            self._position = (self._position + by) % len(self._rows)
            await self._show()

    async def _random(self) -> None:
        if len(self._rows):
            self._position = random.randrange(len(self._rows))
            await self._show()

    async def _jump(self) -> None:
        wanted = self._number.value
        if wanted is None or int(wanted) == self._position + 1:
            return
        self._position = int(np.clip(int(wanted) - 1, 0, max(len(self._rows) - 1, 0)))
        await self._show()

    async def _show(self) -> None:
        """Reads and shows the image at the current position."""
        self._of.text = text("browse_of", num=len(self._rows))
        self._number.value = self._position + 1 if len(self._rows) else None
        self._problem.text = "" if len(self._rows) else text("browse_nothing")
        if not len(self._rows):
            self._name.text = ""
            return
        position, row = self._position, int(self._rows[self._position])
        try:
            picture = await asyncio.to_thread(self._dataset.picture, row)
        except GlintError as error:
            self._problem.text = str(error)
            return
        if position == self._position:  # else the visitor has gone on
            self._picture = picture
            stem = self._dataset.index.stems[row]
            self._name.text = stem
            self._canvas.show(picture.image, text("browse_image_alt", name=stem, row=row))
            self._mark()
            self._overlay()

    def _mark(self) -> None:
        """Draws and lists the labels of the image that is shown."""
        if self._picture is None or not len(self._rows):
            return
        row = int(self._rows[self._position])
        reasons = self._dataset.reasons(row)
        marks = []
        self._details.clear()
        with self._details:
            ui.label(text("browse_row", row=row)).classes("glint-muted")
            for channel, (x, y) in enumerate(self._picture.keypoints.tolist()):
                said = ", ".join(suspicion_name(reason) for reason in reasons[channel])
                if np.isfinite(x):
                    place = f"({x:.2f}, {y:.2f})"
                    title = f"{self._labels[channel]} {place} {said}"
                    marks.append(Mark(channel, self._labels[channel], x, y, title, is_suspicious=bool(said)))
                else:
                    place = text("browse_absent")
                self._detail(channel, place, said)
        self._canvas.show_marks(marks)

    def _detail(self, channel: int, place: str, said: str) -> None:
        with ui.row(wrap=False).classes("full-width").style("align-items: center; gap: 8px"):
            round_dot = f"background: {led_colour(channel)}; width: 12px; height: 12px; border-radius: 6px"
            ui.element("span").style(round_dot)
            ui.label(self._labels[channel]).style("width: 36px")
            ui.label(place).style("font-variant-numeric: tabular-nums")
            ui.label(said).classes("text-negative")

    def _toggle(self, channel: int) -> None:
        self._channels = [one for one in self._channels if one != channel] + [channel] * (channel not in self._channels)
        self._overlay()

    def _toggle_all(self) -> None:
        self._channels = [] if self._channels else list(range(len(self._labels)))
        self._overlay()

    def _overlay(self) -> None:
        if self._picture is not None:
            shown = coloured_heatmaps(self._picture.heatmaps, sorted(self._channels)) if self._channels else None
            self._canvas.lay_over(shown)
        for channel, button in enumerate(self._heat):
            is_on = channel in self._channels
            button.props(f"aria-pressed={str(is_on).lower()} color={'primary' if is_on else 'inherit'}")
            button.props("text-color=on-primary", remove="outline") if is_on else button.props(
                "outline", remove="text-color"
            )

    def _only(self, reason: Suspicion) -> None:
        self._reason.value = str(int(reason))

    async def _on_key(self, event: events.KeyEventArguments) -> None:
        if not event.action.keydown or event.modifiers.ctrl or event.modifiers.alt or event.modifiers.meta:
            return
        key = event.key.name
        if key in ("ArrowLeft", "ArrowRight"):
            await self._step(1 if key == "ArrowRight" else -1)
        elif key == "r" and not event.action.repeat:
            await self._random()
        elif key == "m" and not event.action.repeat:
            self._toggle_all()
        elif key.isdigit() and 1 <= int(key) <= len(self._labels):
            self._toggle(int(key) - 1)
