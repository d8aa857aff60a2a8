"""Beside an image of a data set: how far its labels have been examined, what was found, and its statistics."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
from nicegui import ui

from glint_unet.messages import text
from glint_unet.page import browse_roots
from glint_unet.page.browse_index import BrowsedDataset
from glint_unet.page.browse_suspicion import Suspicion, suspicion_name
from glint_unet.page.parts import heading
from glint_unet.page.visit import Visit
from glint_unet.report.palette import led_colour

_REFRESH_S = 0.7


class FindingsPanel:
    """What is suspicious about a data set, kept up to date while it is being examined.

    Args:
        visit: the visit.
        dataset: the data set.
        labels: the names of its C LEDs.
        on_reason: called with the suspicion that the user wants to see.
        on_end: called when everything has been examined.
    """

    def __init__(
        self,
        visit: Visit,
        dataset: BrowsedDataset,
        labels: list[str],
        on_reason: Callable[[Suspicion], Any],
        on_end: Callable[[], Any],
    ) -> None:
        self._visit, self._dataset, self._labels = visit, dataset, labels
        self._on_reason, self._on_end = on_reason, on_end
        models, rigs = browse_roots.models(visit.context), browse_roots.rig_files(visit.context)
        with ui.element("section").classes("glint-card column full-width").style("gap: 6px"):
            heading(text("browse_suspicions"), 2)
            title = text("browse_progress")
            self._progress = ui.linear_progress(0, show_value=False).props(f'aria-label="{title}"')
            self._state = ui.label().classes("glint-muted")
            self._counts = ui.column().classes("full-width").style("gap: 0")
            with ui.row().style("align-items: center; gap: 8px"):
                self._model = (
                    ui.select(models, label=text("browse_model"), clearable=True).style("width: 150px").props("dense")
                )
                self._rig = (
                    ui.select(rigs, label=text("browse_rig"), clearable=True).style("width: 110px").props("dense")
                )
                ui.button(text("browse_compare"), on_click=visit.does(self._compare)).props("dense outline no-caps")
        self._statistics = ui.column().classes("full-width")
        self._timer = ui.timer(_REFRESH_S, visit.does(self._refresh))

    async def _compare(self) -> None:
        context, model, rig = self._visit.context, self._model.value, self._rig.value
        run_path = browse_roots.chosen_model(context, model) if model else None
        rig_path = str(browse_roots.chosen_file(context, rig)) if rig else None
        await asyncio.to_thread(self._dataset.start_scan, run_path, rig_path)
        self._timer.activate()

    def _refresh(self) -> None:
        num, done, problem = self._dataset.index.info.num_images, self._dataset.num_scanned, self._dataset.problem
        self._progress.value = done / num
        self._state.text = str(problem) if problem else text("browse_scanned", done=done, num=num)
        self._counts.clear()
        with self._counts:
            for reason, count in sorted(self._dataset.num_suspicious().items(), reverse=True):
                if count:
                    button = ui.button(
                        f"{suspicion_name(reason)}: {count}", on_click=lambda _, r=reason: self._on_reason(r)
                    )
                    button.props("flat dense no-caps align=left").classes("full-width")
        if not self._dataset.is_scanning:
            self._timer.deactivate()
            self._show_statistics()
            self._on_end()

    def _show_statistics(self) -> None:
        info = self._dataset.index.info
        (H, W), N = info.image_size, info.num_images
        self._statistics.clear()
        with (
            self._statistics,
            ui.expansion(text("browse_statistics"), value=True).classes("full-width glint-card"),
            ui.column().classes("full-width").style("gap: 4px"),
        ):
            ui.label(text("browse_sizes", N=N, H=H, W=W, C=info.num_classes)).classes("glint-muted")
            for channel, count in enumerate(self._dataset.num_present().tolist()):
                _bar(self._labels[channel], count, N, led_colour(channel))
            ui.label(text("browse_glints_per_image")).classes("glint-muted").style("margin-top: 8px")
            counts = self._dataset.glints_per_image()
            for num in np.flatnonzero(counts).tolist():
                _bar(str(num), int(counts[num]), N, "#78909c")


def _bar(name: str, count: int, most: int, colour: str) -> None:
    """A row of a bar chart."""
    share = count / max(most, 1)
    with ui.row(wrap=False).classes("full-width").style("align-items: center; gap: 8px"):
        ui.label(name).style("width: 36px")
        with ui.element("div").classes("col").style("background: rgba(128, 128, 128, .25); border-radius: 4px"):
            ui.element("div").style(f"background: {colour}; width: {share:.1%}; height: 12px; border-radius: 4px")
        ui.label(f"{count:,} ({share:.0%})").style("width: 104px; text-align: right")
