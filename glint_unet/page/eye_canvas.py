"""The element of the page that shows an eye image with marks, to look at and to correct."""

import base64
import io
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from nicegui import events, ui
from nicegui.element import Element
from numpy.typing import NDArray
from PIL import Image

from glint_unet.report.palette import led_colour

STYLE = """
.eye-canvas { width: 100%; max-height: 72vh; background: #111; border-radius: 6px; touch-action: none; cursor: grab;
  user-select: none; display: block; }
.eye-overlay { pointer-events: none; }
.eye-mark circle, .eye-mark path { fill: none; }
.eye-halo { stroke: #000; opacity: .55; }
.eye-sigma { opacity: .6; }
.eye-grip { stroke: none; fill: transparent !important; pointer-events: all; cursor: move; }
.eye-mark text { stroke: #000; paint-order: stroke; text-anchor: middle; dominant-baseline: central; font-weight: 600;
  pointer-events: none; }
.eye-mark.absent { opacity: .65; }
.eye-mark.warn .eye-ring { stroke: #ff5252; }
.eye-mark:focus-visible .eye-ring, .eye-mark.selected .eye-ring { stroke: #fff; }
.eye-mark:focus { outline: none; }
"""


class Mark(NamedTuple):
    """What is drawn of one LED.

    Attributes:
        channel: number of the LED, from 0.
        label: its name.
        x, y: pixels of the image.
        title: what screen readers and the tooltip say of it.
        is_present: else it is drawn dashed.
        is_suspicious: its ring is red.
        sigma_px: radius of a thin circle; None: no circle.
    """

    channel: int
    label: str
    x: float
    y: float
    title: str
    is_present: bool = True
    is_suspicious: bool = False
    sigma_px: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As the element's script takes it."""
        return {
            "channel": self.channel,
            "label": self.label,
            "colour": led_colour(self.channel),
            "x": self.x,
            "y": self.y,
            "title": self.title,
            "present": self.is_present,
            "warn": self.is_suspicious,
            "sigma": self.sigma_px,
        }


class Move(NamedTuple):
    """A mark was moved.

    Attributes:
        channel: number of the LED, from 0.
        x, y: where to, in pixels of the image; perhaps outside it.
        is_exact: the visitor wants this very place.
    """

    channel: int
    x: float
    y: float
    is_exact: bool


class EyeCanvas(Element, component="eye_canvas.js"):
    """An image with marks. Wheel, pinch or the buttons of its view zoom, dragging the ground pans.

    Args:
        on_move: called when a mark was moved; None: marks cannot be moved.
        on_toggle: called with the channel when Delete was pressed on a mark.
    """

    def __init__(
        self, on_move: Callable[[Move], Any] | None = None, on_toggle: Callable[[int], Any] | None = None
    ) -> None:
        super().__init__()
        ui.add_css(STYLE)
        start = {"src": "", "overlay": "", "width": 1, "height": 1, "marks": [], "title": ""}
        self._props.update(start | {"editable": on_move is not None, "names": True, "contrast": 1, "brightness": 1})

        def moved(event: events.GenericEventArguments) -> Any:
            at = event.args
            move = Move(int(at["channel"]), float(at["x"]), float(at["y"]), bool(at["exact"]))
            return on_move(move) if on_move else None

        def toggled(event: events.GenericEventArguments) -> Any:
            return on_toggle(int(event.args["channel"])) if on_toggle else None

        self.on("move", moved)
        self.on("toggle", toggled)

    def show(self, image: NDArray[np.uint8], title: str) -> None:
        """Shows an image (H, W) uint8 without marks and heatmap."""
        H, W = image.shape
        self._props.update({"src": png_url(image), "width": W, "height": H, "title": title, "marks": [], "overlay": ""})
        self.update()

    def show_marks(self, marks: list[Mark]) -> None:
        """Replaces the marks."""
        self._props["marks"] = [mark.to_dict() for mark in marks]
        self.update()

    def lay_over(self, picture: NDArray[np.uint8] | None) -> None:
        """Lays a picture (h, w, 4) uint8 RGBA over the whole image; None: nothing."""
        self._props["overlay"] = "" if picture is None else png_url(picture)
        self.update()

    def adjust(self, *, contrast: float, brightness: float, names: bool) -> None:
        """How the image is shown: factors of contrast and brightness, and whether the LEDs' names are."""
        self._props.update({"contrast": contrast, "brightness": brightness, "names": names})
        self.update()

    def zoom(self, factor: float) -> None:
        """Enlarges by a factor; 0 shows the whole image."""
        if factor:
            self.run_method("zoom", factor)
        else:
            self.run_method("reset")


def png_url(pixels: NDArray[np.uint8]) -> str:
    """Pixels (H, W) grey or (H, W, 4) RGBA as the URL of a PNG that is part of the page."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG", compress_level=1)
    return "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()


def coloured_heatmaps(heatmaps: NDArray[np.uint8], channels: list[int]) -> NDArray[np.uint8]:
    """Heatmaps (C, h, w) uint8 of some channels as one picture (h, w, 4) uint8, in the LEDs' colours."""
    colours = np.array([_rgb(led_colour(channel)) for channel in channels], np.float32)  # (K, 3)
    heights = heatmaps[channels].astype(np.float32)  # (K, h, w)
    total = np.maximum(heights.sum(axis=0), 1e-6)
    mixed = np.einsum("khw,kc->hwc", heights, colours) / total[..., None]
    return np.dstack([mixed, heights.max(axis=0) * 0.8]).round().astype(np.uint8)


def _rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
