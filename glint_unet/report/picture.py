"""Draws example images as one PNG: the whole image, and beside it a magnified part around the glint of each LED."""

import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.patheffects import AbstractPathEffect, withStroke
from matplotlib.text import Text
from numpy.typing import NDArray
from PIL import Image

from glint_unet.data.images import part_of_image
from glint_unet.files import write_bytes
from glint_unet.model.metrics import RIGHT_WITHIN_PX
from glint_unet.model.predictions import Predictions
from glint_unet.report.examples import Example, Mark, Point, predicted_examples
from glint_unet.report.label_places import place_labels
from glint_unet.report.palette import led_colour

_DPI = 100
_HEIGHT, _HEIGHT_OF_MANY, _MANY = 336, 200, 24  # of the whole image, in pixels of the picture
_WIDTH, _LONGEST = 2100, 30_000  # of the picture
_TITLE, _CAPTION, _GAP, _HEAD = 24, 18, 8, 52
_MOST_COLUMNS, _LEAST_TILE = 6, 72
_LABEL = (26.0, 15.0)
_WRONG = "#ffd5c8"
_HALO: list[AbstractPathEffect] = [withStroke(linewidth=2.4, foreground="black")]


@dataclass(frozen=True)
class _Layout:
    """Sizes in pixels of the picture: of the whole image, and of the grid of magnified parts beside it."""

    height: int
    width: int
    tile: int
    num_rows: int
    num_columns: int

    @classmethod
    def of(cls, examples: Sequence[Example]) -> "_Layout":
        """The same for all examples, which have one size."""
        H, W = examples[0].image.shape
        height = _HEIGHT if len(examples) <= _MANY else _HEIGHT_OF_MANY
        most = max(max(len(example.marks) for example in examples), 1)
        num_rows = max(1 if most <= 2 else 2, -(-most // _MOST_COLUMNS))
        tile = max((height - (num_rows - 1) * _GAP) // num_rows - _CAPTION, _LEAST_TILE)
        return cls(height, round(height * W / H), tile, num_rows, -(-most // num_rows))

    @property
    def card(self) -> tuple[int, int]:
        """(width, height) of an example with its title."""
        height = max(self.height, self.num_rows * (self.tile + _CAPTION + _GAP) - _GAP)
        return self.width + self.num_columns * (self.tile + _GAP) + 3 * _GAP, height + _TITLE + 2 * _GAP

    def tile_corner(self, number: int) -> tuple[int, int]:
        """(x, y) of a magnified part, from the corner of the card."""
        row, column = divmod(number, self.num_columns)
        x = self.width + _GAP + column * (self.tile + _GAP)
        return x, _TITLE + row * (self.tile + _CAPTION + _GAP) + _CAPTION


def draw_predictions(
    images: NDArray[np.uint8],
    predictions: Predictions,
    names: Sequence[str],
    labels: Sequence[str],
    heading: str,
    path: Path,
) -> None:
    """Draws images with predictions and truth; arguments as for `predicted_examples` and `draw_examples`."""
    draw_examples(predicted_examples(images, predictions, names, labels), heading, path)


def draw_examples(examples: Sequence[Example], heading: str, path: Path) -> None:
    """Draws examples as a PNG.

    Args:
        examples: at least one, all of one image size.
        heading: what is shown, above the legend.
        path: the PNG to write.
    """
    layout = _Layout.of(examples)
    width, height = layout.card
    num_columns = max(1, min(len(examples), _WIDTH // width), -(-len(examples) * height // _LONGEST))
    num_rows = -(-len(examples) // num_columns)
    size = max(num_columns * width + _GAP, 560), num_rows * height + _HEAD
    canvas = np.full((size[1], size[0], 3), 255, np.uint8)
    figure = Figure(figsize=(size[0] / _DPI, size[1] / _DPI), dpi=_DPI)
    axes = figure.add_axes((0, 0, 1, 1), xlim=(-0.5, size[0] - 0.5), ylim=(size[1] - 0.5, -0.5))
    axes.set_axis_off()
    _text(axes, (_GAP, 17), heading, fontsize=11, weight="bold")
    _draw_legend(axes, examples[0])
    for k, example in enumerate(examples):
        row, column = divmod(k, num_columns)
        corner = _GAP + column * width, _HEAD + row * height
        _draw_example(axes, canvas, example, layout, corner)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of characters that matplotlib's font lacks
        blended = _blended(canvas, figure)
    content = io.BytesIO()
    Image.fromarray(blended).save(content, "png", compress_level=3)
    write_bytes(path, content.getvalue())


def _blended(canvas: NDArray[np.uint8], figure: Figure) -> NDArray[np.uint8]:
    """The drawing over the canvas, pixel by pixel; `imshow` would resample it, which takes most of the time."""
    figure.patch.set_alpha(0)
    drawn = FigureCanvasAgg(figure)
    drawn.draw()  # type: ignore[no-untyped-call]
    over = np.asarray(drawn.buffer_rgba())  # type: ignore[no-untyped-call]
    rows, columns = over[..., 3].nonzero()
    alpha = over[rows, columns, 3:].astype(np.float32) / 255
    blended = canvas.copy()
    blended[rows, columns] = canvas[rows, columns] * (1 - alpha) + over[rows, columns, :3] * alpha + 0.5
    return blended


def _draw_legend(axes: Axes, example: Example) -> None:
    y, side = 38, example.side
    axes.plot(_GAP + 6, y, "o", mfc="none", mec="black", ms=9, mew=1.2)
    what = "truth" if example.is_predicted else "label"
    words = f"{what}; magnified: {side} x {side} px, ring of {RIGHT_WITHIN_PX:g} px radius"
    _text(axes, (_GAP + 18, y), words)
    if example.is_predicted:
        axes.plot(_GAP + 346, y, "+", color="black", ms=10, mew=1.2)
        _text(
            axes, (_GAP + 358, y), "prediction, with its error; missed: present, not found; false: found, not present"
        )


def _draw_example(axes: Axes, canvas: NDArray[np.uint8], example: Example, layout: _Layout, corner: Point) -> None:
    left, top = (int(place) for place in corner)
    _text(axes, (left, top + _TITLE / 2), _title(example))
    y, x = top + _TITLE, left
    canvas[y : y + layout.height, x : x + layout.width] = _resized(example.image, (layout.width, layout.height))
    scale = layout.width / example.image.shape[1]

    def on_image(point: Point) -> Point:
        return x + (point[0] + 0.5) * scale - 0.5, y + (point[1] + 0.5) * scale - 0.5

    _draw_overview(axes, example, [on_image(mark.place) for mark in example.marks], (x, y), layout)
    for number, mark in enumerate(example.marks):
        dx, dy = layout.tile_corner(number)
        _draw_part(axes, canvas, example, mark, (left + dx, top + dy), layout.tile)


def _title(example: Example) -> str:
    if not example.is_predicted:
        return example.name
    largest = example.largest_error_px
    error = "" if largest is None else f"     largest error {largest:.2f} px"
    return f"{example.name}     {example.num_right} of {len(example.marks)} within {RIGHT_WITHIN_PX:g} px{error}"


def _draw_overview(axes: Axes, example: Example, places: list[Point], corner: Point, layout: _Layout) -> None:
    """Draws a small ring at each mark, and its label at the end of a line beside it."""
    if not places:
        return
    at = np.array(places, np.float64)
    labels = place_labels(at - corner, (layout.width, layout.height), _LABEL) + corner
    for mark, (x, y), (label_x, label_y) in zip(example.marks, at, labels, strict=True):
        colour = led_colour(mark.channel)
        axes.plot([x, label_x], [y, label_y], color=colour, lw=0.7, alpha=0.8)
        axes.plot(x, y, "o", mfc="none", mec=colour, ms=7, mew=1, path_effects=_HALO)
        text = _text(axes, (label_x, label_y), mark.label, color=colour, ha="center")
        text.set_path_effects(_HALO)


def _draw_part(
    axes: Axes, canvas: NDArray[np.uint8], example: Example, mark: Mark, corner: tuple[int, int], tile: int
) -> None:
    """Draws the magnified part of an image around a mark, with a caption above it."""
    (x, y), (first_x, first_y), side = corner, example.corner(mark), example.side
    part = part_of_image(example.image, first_x, first_y, side, side)
    canvas[y : y + tile, x : x + tile] = _resized(part, (tile, tile))
    colour, scale = led_colour(mark.channel), tile / side
    box = Rectangle((x - 0.5, y - 0.5), tile, tile, fill=False, ec=colour, lw=2)
    axes.add_patch(box)

    def on_tile(point: Point) -> Point:
        return x + (point[0] - first_x + 0.5) * scale - 0.5, y + (point[1] - first_y + 0.5) * scale - 0.5

    if mark.truth:
        size = 2 * RIGHT_WITHIN_PX * scale * 72 / _DPI
        axes.plot(*on_tile(mark.truth), "o", mfc="none", mec="white", ms=size, mew=1, path_effects=_HALO)
    if mark.found:
        x_found, y_found = on_tile(mark.found)
        line = [on_tile(mark.truth or mark.found), (x_found, y_found)]
        for artist in axes.plot(*zip(*line, strict=True), color=colour, lw=1):
            artist.set_clip_path(box)
        (cross,) = axes.plot(x_found, y_found, "+", color=colour, ms=10, mew=1.4, path_effects=_HALO)
        cross.set_clip_path(box)
    verdict = example.verdict(mark)
    background = None if verdict in ("right", "label") else {"facecolor": _WRONG, "edgecolor": "none", "pad": 1.5}
    words = "" if verdict == "label" else verdict if mark.error_px is None else f"{mark.error_px:.2f} px"
    _text(axes, (x, y - _CAPTION / 2 - 1), f"{mark.label}  {words}", bbox=background)


def _text(axes: Axes, at: Point, words: str, **style: Any) -> Text:
    """Writes text as it is: names of images may hold what matplotlib takes for formulae."""
    return axes.text(*at, words, parse_math=False, **{"fontsize": 9, "va": "center", **style})


def _resized(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """(h, w, 3) uint8: enlarged pixel by pixel, or reduced by averaging; `size` is (width, height)."""
    how = Image.Resampling.NEAREST if size[0] >= image.shape[1] else Image.Resampling.BOX
    return np.repeat(np.asarray(Image.fromarray(image).resize(size, how))[..., None], 3, axis=2)
