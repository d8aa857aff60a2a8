"""The picture of a comparison: learning curves and per-LED recall of several runs, one colour per run."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from glint_unet.experiments.comparison import Comparison
from glint_unet.experiments.run_info import RunInfo
from glint_unet.files import write_bytes
from glint_unet.report.palette import SERIES
from glint_unet.runs.json_file import as_count, as_number

_PANELS = (
    ("total", "validation loss (thin: training)"),
    ("f1", "F1 within 2 px, validation"),
    ("px_median", "median error, validation [px]"),
)
_STYLES = ("-", "--", ":", "-.")


def draw_comparison(runs: Sequence[RunInfo], comparison: Comparison, path: Path) -> None:
    """Draws the learning curves and the recall of each LED, as a PNG; a dot marks the best epoch.

    Args:
        runs: the runs.
        comparison: of these runs.
        path: the PNG to write.
    """
    figure = Figure(figsize=(14, 9), layout="constrained")
    parts: Any = figure.subfigures(2, 1, height_ratios=(3, 2))
    upper, lower = parts
    for axes, (name, title) in zip(upper.subplots(1, len(_PANELS)), _PANELS, strict=True):
        for number, run in enumerate(runs):
            _draw_curve(axes, run, name, number, comparison.labels[number])
        axes.set(title=title, xlabel="epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(alpha=0.3)
        values = [value for line in axes.lines for value in line.get_ydata()]
        if name == "f1":
            axes.set_ylim(-0.02, 1.02)
        elif values and min(values) > 0:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(FuncFormatter(_some_minor_ticks))
    lower_axes = lower.subplots()
    _draw_leds(lower_axes, comparison)
    handles, labels = upper.axes[0].get_legend_handles_labels()
    if handles:
        lower.legend(handles, labels, loc="outside lower center", ncols=min(4, len(labels)), frameon=False)
    content = io.BytesIO()
    figure.savefig(content, dpi=90, format="png")
    write_bytes(path, content.getvalue())


def _some_minor_ticks(value: float, _: int | None) -> str:
    """The label of a minor tick of a logarithmic axis: plain numbers, at 2, 3 and 5 only."""
    return f"{value:g}" if f"{value:.0e}"[0] in "235" else ""


def _look(number: int) -> dict[str, Any]:
    return {
        "color": SERIES[number % len(SERIES)],
        "linestyle": _STYLES[number // len(SERIES) % len(_STYLES)],
    }


def _draw_curve(axes: Any, run: RunInfo, name: str, number: int, label: str) -> None:
    curves = {part: _points(run, part, name) for part in ("train", "val")}
    look = _look(number)
    if name == "total" and curves["train"]:
        axes.plot(*zip(*curves["train"], strict=True), linewidth=0.8, alpha=0.6, **look)
    points = curves["val"]
    axes.plot([x for x, _ in points], [y for _, y in points], linewidth=1.8, label=label, **look)
    best = [(x, y) for x, y in points if x == run.best.get("epoch")]
    if best:
        axes.plot(*best[0], "o", color=look["color"], markersize=7, markeredgecolor="white")
    if len(points) == 1:
        axes.plot(*points[0], "o", color=look["color"], markersize=4)


def _points(run: RunInfo, part: str, name: str) -> list[tuple[int, float]]:
    values = [(as_count(row["epoch"]), as_number(row[part].get(name))) for row in run.rows]
    return [(epoch, value) for epoch, value in values if value is not None]


def _draw_leds(axes: Any, comparison: Comparison) -> None:
    """Bars of the recall of each LED; above them, hatched, the share that was taken for another LED."""
    num_runs, leds = len(comparison.labels), list(comparison.leds)
    width = 0.8 / max(num_runs, 1)
    for number in range(num_runs):
        results = [comparison.leds[led][number] for led in leds]
        recall = np.array([(result and result.recall) or 0.0 for result in results])
        mistaken = np.array([(result and result.mistaken) or 0.0 for result in results])
        x = np.arange(len(leds)) + (number - (num_runs - 1) / 2) * width
        colour = _look(number)["color"]
        axes.bar(x, recall, width * 0.92, color=colour)
        axes.bar(x, mistaken, width * 0.92, bottom=recall, fill=False, hatch="////", edgecolor=colour, linewidth=0)
    axes.set_xticks(np.arange(len(leds)), leds)
    axes.set(title="recall of each LED at the best epoch (hatched: found, but as another LED)", ylim=(0, 1.05))
    axes.grid(axis="y", alpha=0.3)
    axes.set_axisbelow(True)
