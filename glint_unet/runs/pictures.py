"""Plots: the learning curves of a run, and predicted glints drawn over images."""

import io
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from glint_unet.files import write_bytes
from glint_unet.model.metrics import PRESENT_FROM_SCORE

_PANELS = (("total", "loss (total)"), ("f1", "F1 within 2 px"), ("px_median", "median error [px]"))


def draw_curves(history: list[dict[str, Any]], path: Path) -> None:
    """Plots loss, F1 and error of training and validation over the epochs, as a PNG.

    Args:
        history: the rows of metrics.json.
        path: the PNG to write.
    """
    figure = Figure(figsize=(13, 4), layout="constrained")
    for axes, (name, title) in zip(figure.subplots(1, len(_PANELS)), _PANELS, strict=True):
        for part, colour in (("train", "tab:blue"), ("val", "tab:orange")):
            rows = [(row["epoch"], row[part][name]) for row in history if row[part].get(name) is not None]
            if rows:
                axes.plot(*zip(*rows, strict=True), color=colour, marker=".", label=part)
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        if axes.lines:
            axes.legend()
        values = [value for line in axes.lines for value in line.get_ydata()]
        if name != "f1" and values and min(values) > 0:  # the log-likelihood of the votes can make the total negative
            axes.set_yscale("log")
    _save(figure, path)


def draw_predictions(
    images: NDArray[np.uint8],
    points: NDArray[np.float32],
    scores: NDArray[np.float32],
    truth: NDArray[np.float32] | None,
    path: Path,
    prefix: str = "g",
    found_from: float = PRESENT_FROM_SCORE,
) -> None:
    """Draws glints over images, as a PNG: a labelled cross for each detection, a ring for each true glint.

    Args:
        images: (B, H, W) uint8.
        points: (B, C, 2) float32, (x, y) in image pixels.
        scores: (B, C) float32.
        truth: (B, C, 2) float32, NaN where absent; None if unknown.
        path: the PNG to write.
        prefix: prefix of the LED labels.
        found_from: lowest score that counts as a detection.
    """
    num_columns = min(4, len(images))
    num_rows = -(-len(images) // num_columns)
    figure = Figure(figsize=(4 * num_columns, 4 * num_rows * images.shape[1] / images.shape[2]), layout="constrained")
    grid = np.atleast_1d(figure.subplots(num_rows, num_columns, squeeze=False)).ravel()
    colours = [f"C{channel % 10}" for channel in range(points.shape[1])]
    for k, axes in enumerate(grid):
        axes.set_axis_off()
        if k < len(images):
            axes.imshow(images[k], cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            for channel, colour in enumerate(colours):
                if truth is not None:
                    axes.plot(*truth[k, channel], "o", mec=colour, mfc="none", ms=13, mew=1)
                if scores[k, channel] >= found_from:
                    x, y = points[k, channel].tolist()
                    axes.plot(x, y, "+", color=colour, ms=9, mew=1.2)
                    label = f"{prefix}{channel + 1}"
                    text = axes.annotate(label, (x, y), (6, 5), textcoords="offset points", color=colour, fontsize=7)
                    text.set_path_effects([withStroke(linewidth=1.2, foreground="black")])
    known = "" if truth is None else ", rings: truth"
    figure.suptitle(f"crosses: predicted glints (score >= {found_from:g}){known}")
    _save(figure, path, dpi=110)


def _save(figure: Figure, path: Path, dpi: int = 80) -> None:
    content = io.BytesIO()
    figure.savefig(content, dpi=dpi, format="png")
    write_bytes(path, content.getvalue())
