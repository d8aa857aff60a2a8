"""The picture of a sweep: the settings of all trials as parallel coordinates, and the importance of each setting."""

import io
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from glint_unet.experiments.sweep_space import Choices, Range, Space
from glint_unet.experiments.sweep_study import TrialResult
from glint_unet.files import write_bytes

_COLOURS = "viridis"
_BRIGHTEST = 0.92  # the last colours are hard to see on white
_NUM_TICKS = 5
_JITTER = 0.02
_INK = "0.25"
_OTHER = "0.8"


def draw_sweep(
    space: Space,
    results: Sequence[TrialResult],
    importances: Mapping[str, float],
    metric: str,
    path: Path,
    *,
    is_lower_better: bool,
) -> None:
    """Draws a line for each trial through its settings and its metric, as a PNG; pruned and failed trials are grey.

    Args:
        space: the settings that vary.
        results: the trials; at least one is complete.
        importances: setting -> share; empty if unknown.
        metric: the name of the metric.
        path: the PNG to write.
        is_lower_better: whether the lowest metric is the best.
    """
    num = len(space.parameters)
    figure = Figure(figsize=(max(7.0, 2.2 * (num + 1)) + 3.2, 4.8), layout="constrained")
    lines, bars = figure.subplots(1, 2, width_ratios=[max(7.0, 2.2 * (num + 1)), 3.2])
    _draw_lines(lines, space, results, metric, is_lower_better=is_lower_better)
    _draw_bars(bars, space, importances, metric)
    content = io.BytesIO()
    figure.savefig(content, dpi=110, format="png")
    write_bytes(path, content.getvalue())


def _draw_lines(axes: Any, space: Space, results: Sequence[TrialResult], metric: str, *, is_lower_better: bool) -> None:
    complete = [result for result in results if result.state == "complete" and result.mean is not None]
    means = [result.mean for result in complete if result.mean is not None]
    low, high = min(means), max(means)
    if low == high:
        low, high = low - 0.5 * abs(low or 1), high + 0.5 * abs(high or 1)
    best = (min if is_lower_better else max)(complete, key=lambda result: result.mean or 0.0)
    worst, top = (high, low) if is_lower_better else (low, high)  # the best is at the top of the axis
    palette = colormaps[_COLOURS]
    rng = np.random.default_rng(0)  # lines of equal choices would hide each other
    for result in sorted(results, key=lambda result: (result is best, result.state == "complete")):
        heights = [
            _height(parameter, result.params[parameter.name])
            + _JITTER * rng.uniform(-1, 1) * isinstance(parameter, Choices)
            for parameter in space.parameters
            if parameter.name in result.params
        ]
        if result.state == "complete" and result.mean is not None:
            share = (result.mean - worst) / (top - worst)
            heights.append(share)
            wide = 3.0 if result is best else 1.3
            axes.plot(heights, color=palette(_BRIGHTEST * share), lw=wide, alpha=1.0 if result is best else 0.75)
        else:
            axes.plot(heights, color=_OTHER, lw=1, ls="--", zorder=1)
    for place, parameter in enumerate(space.parameters):
        _draw_axis(axes, place, _ticks(parameter))
    metric_ticks = [
        (k / (_NUM_TICKS - 1), f"{worst + (top - worst) * k / (_NUM_TICKS - 1):.4g}") for k in range(_NUM_TICKS)
    ]
    _draw_axis(axes, len(space.parameters), metric_ticks)
    arrow = "lower" if is_lower_better else "higher"
    labels = [*space.names, f"{metric}\n({arrow} is better)"]
    axes.set_xticks(range(len(labels)), labels)
    axes.tick_params(length=0)
    axes.set(xlim=(-0.15, len(labels) - 0.55), ylim=(-0.06, 1.06), yticks=[])
    axes.spines[:].set_visible(False)
    num_others = len(results) - len(complete)
    others = f"; dashed grey: {num_others} not completed" if num_others else ""
    axes.set_title(f"{len(complete)} trials; thick: the best, trial {best.number}{others}", fontsize=10)


def _draw_axis(axes: Any, place: int, ticks: Sequence[tuple[float, str]]) -> None:
    axes.axvline(place, ymin=0.05, ymax=0.95, color=_INK, lw=1, zorder=0)
    for height, label in ticks:
        axes.annotate(
            label, (place, height), (4, 0), textcoords="offset points", fontsize=8, va="center", color=_INK,
            bbox={"boxstyle": "square,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.75}, zorder=5,
        )  # fmt: skip


def _height(parameter: Choices | Range, value: str) -> float:
    """The place of a value on its axis, from 0 to 1."""
    if isinstance(parameter, Choices):
        num = len(parameter.values)
        return 0.5 if num == 1 else parameter.values.index(value) / (num - 1)
    low, high, number = parameter.low, parameter.high, float(value)
    if parameter.is_log:
        low, high, number = math.log(low), math.log(high), math.log(number)
    return (number - low) / (high - low)


def _ticks(parameter: Choices | Range) -> list[tuple[float, str]]:
    if isinstance(parameter, Choices):
        return [(_height(parameter, value), value) for value in parameter.values]
    space = np.geomspace if parameter.is_log else np.linspace
    values = space(parameter.low, parameter.high, _NUM_TICKS)
    if parameter.is_whole:
        values = np.unique(values.round())
    return [(_height(parameter, str(value)), f"{value:.3g}") for value in values.tolist()]


def _draw_bars(axes: Any, space: Space, importances: Mapping[str, float], metric: str) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_title("importance of each setting", fontsize=10)
    if not importances:
        axes.set_axis_off()
        message = "importance: too few trials,\nor all are equally good"
        axes.text(0.5, 0.5, message, ha="center", va="center", color=_INK, transform=axes.transAxes)
        return
    names = sorted(space.names, key=lambda name: importances.get(name, 0.0))
    shares = [importances.get(name, 0.0) for name in names]
    bars = axes.barh(names, shares, color="tab:blue", height=0.6)
    axes.bar_label(bars, [f"{share:.0%}" for share in shares], padding=3, fontsize=9)
    axes.set(xlim=(0, max(shares) * 1.2 or 1), xticks=[], xlabel=f"share of the differences in {metric} (PED-ANOVA)")
    axes.spines["bottom"].set_visible(False)
