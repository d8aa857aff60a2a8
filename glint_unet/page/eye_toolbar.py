"""Buttons and sliders below an eye image: zoom, contrast, brightness, names of the LEDs."""

from collections.abc import Callable
from typing import Any

from nicegui import ui

from glint_unet.messages import text
from glint_unet.page.eye_canvas import EyeCanvas

_ZOOM = 1.5


def build_toolbar(canvas: EyeCanvas) -> None:
    """Builds the toolbar of an image in the current place of the page."""

    def adjust() -> None:
        canvas.adjust(contrast=contrast.value, brightness=brightness.value, names=names.value)

    with ui.row().classes("full-width").style("align-items: center; gap: 12px"):
        with ui.row(wrap=False).style("gap: 0"):
            icon_button("zoom_in", text("eye_zoom_in"), lambda: canvas.zoom(_ZOOM))
            icon_button("zoom_out", text("eye_zoom_out"), lambda: canvas.zoom(1 / _ZOOM))
            icon_button("fit_screen", text("eye_fit"), lambda: canvas.zoom(0))
        contrast = _slider(text("eye_contrast"), 0.5, 4, adjust)
        brightness = _slider(text("eye_brightness"), 0.3, 4, adjust)
        names = ui.switch(text("eye_names"), value=True, on_change=adjust).props("dense")


def _slider(title: str, low: float, high: float, on_change: Callable[[], None]) -> ui.slider:
    with ui.row(wrap=False).style("align-items: center; gap: 10px"):
        ui.label(title)
        slider = ui.slider(min=low, max=high, step=0.05, value=1, on_change=on_change).style("width: 90px")
        slider.props(f'dense aria-label="{title}"')
    return slider


def icon_button(icon: str, title: str, action: Callable[[], Any]) -> ui.button:
    """A round button with an icon, and its name for screen readers and as a tooltip."""
    button = ui.button(icon=icon, on_click=action).props(f'flat round dense aria-label="{title}"')
    with button:
        ui.tooltip(title)
    return button
