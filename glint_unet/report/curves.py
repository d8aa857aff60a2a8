"""The learning curves of a run: what is plotted, and results.png."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from glint_unet.files import write_bytes
from glint_unet.messages import in_language, text
from glint_unet.model.losses import TERMS
from glint_unet.report.palette import TRAIN, VAL, series_colour

_LEAST_RATIO_OF_LOG = 20  # between the largest and the smallest value
_TIMES = ("compute", "data", "val", "save")

Row = dict[str, Any]


@dataclass(frozen=True)
class Curve:
    """Values over epochs.

    Attributes:
        name: part and metric, e.g. val_f1, or the name of a loss term.
        colour: `#rrggbb`.
        points: (epoch, value) where the value is defined.
        is_dashed: whether it is drawn as a dashed line.
    """

    name: str
    colour: str
    points: tuple[tuple[int, float], ...]
    is_dashed: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves that share their axes.

    Attributes:
        name: loss, terms, lr, rates, error or time.
        curves: those with at least one point.
    """

    name: str
    curves: tuple[Curve, ...]

    @property
    def is_logarithmic(self) -> bool:
        """Whether the values span more than a logarithmic axis needs; never for shares and times."""
        values = [value for curve in self.curves for _, value in curve.points]
        wide = bool(values) and 0 < min(values) * _LEAST_RATIO_OF_LOG < max(values)
        return wide and self.name not in ("rates", "time")


def panels_of(history: Sequence[Row]) -> list[Panel]:
    """The panels of a run; panels without curves are left out.

    Args:
        history: the rows of metrics.json.
    """
    panels = [
        Panel("loss", _curves(_of_part(history, "train", "total", TRAIN), _of_part(history, "val", "total", VAL))),
        Panel("terms", _curves(*_terms(history))),
        Panel("rates", _curves(*_metrics(history, ("f1", "precision", "recall")))),
        Panel("error", _curves(*_metrics(history, ("px_median", "px_p95")))),
        Panel("lr", _curves(_curve("lr", series_colour(0), [(row, row.get("lr")) for row in history]))),
        Panel("time", _curves(*_times(history))),
    ]
    return [panel for panel in panels if panel.curves]


def _curves(*curves: Curve) -> tuple[Curve, ...]:
    return tuple(curve for curve in curves if curve.points)


def _curve(name: str, colour: str, values: Sequence[tuple[Row, Any]], *, is_dashed: bool = False) -> Curve:
    points = [(int(row["epoch"]), float(value)) for row, value in values if isinstance(value, (int, float))]
    return Curve(name, colour, tuple(points), is_dashed)


def _of_part(history: Sequence[Row], part: str, metric: str, colour: str, *, is_dashed: bool = False) -> Curve:
    values = [(row, row.get(part, {}).get(metric)) for row in history]
    return _curve(f"{part}_{metric}", colour, values, is_dashed=is_dashed)


def _terms(history: Sequence[Row]) -> list[Curve]:
    """The terms of the loss that are on, where there are several; solid in training, dashed in validation."""
    on = [term for term in TERMS[1:] if any(row.get("train", {}).get(term) for row in history)]
    if len(on) < 2:
        return []
    colours = {term: series_colour(k) for k, term in enumerate(on)}
    return [
        _of_part(history, part, term, colours[term], is_dashed=part == "val")
        for term in on
        for part in ("train", "val")
    ]


def _metrics(history: Sequence[Row], names: Sequence[str]) -> list[Curve]:
    return [_of_part(history, "val", name, series_colour(k)) for k, name in enumerate(names)]


def _times(history: Sequence[Row]) -> list[Curve]:
    """Seconds of each epoch by what they were spent on; none in runs that did not record them."""
    return [
        _curve(f"time_{name}", series_colour(k), [(row, row.get("timing", {}).get(name)) for row in history])
        for k, name in enumerate(_TIMES)
    ]


def titles() -> dict[str, tuple[str, str]]:
    """For each panel its title and the name of its vertical axis, in the current language."""
    share, loss, error = text("curve_axis_share"), text("curve_axis_loss"), text("curve_axis_error")
    return {
        "loss": (text("curve_loss"), loss),
        "terms": (text("curve_terms"), loss),
        "rates": (text("curve_rates"), share),
        "error": (text("curve_error"), error),
        "lr": (text("curve_lr"), text("curve_lr")),
        "time": (text("curve_time"), text("curve_axis_time")),
    }


def curve_name(name: str) -> str:
    """The name of a curve for the legend, in the current language."""
    names = {
        "train_total": text("curve_train"),
        "val_total": text("curve_val"),
        "val_f1": "F1",
        "val_precision": text("report_precision"),
        "val_recall": text("report_recall"),
        "val_px_median": text("curve_median"),
        "val_px_p95": text("curve_p95"),
        "lr": text("curve_lr"),
        "time_compute": text("curve_time_compute"),
        "time_data": text("curve_time_data"),
        "time_val": text("curve_val"),
        "time_save": text("curve_time_save"),
    }
    if name in names:
        return names[name]
    part, _, term = name.partition("_")
    return f"{text('curve_train') if part == 'train' else text('curve_val')}: {term}"


def draw_curves(history: Sequence[Row], best_epoch: int, path: Path) -> None:
    """Draws the panels as a PNG, in English: the fonts of matplotlib have no Chinese.

    Args:
        history: the rows of metrics.json; at least one.
        best_epoch: the epoch of the best model, which is marked; 0: none.
        path: the PNG to write.
    """
    panels = panels_of(history)
    num_rows = -(-len(panels) // 3)
    height = 4.2 * num_rows
    figure = Figure(figsize=(15, height))
    # by hand: matplotlib's own layout takes as long as all the rest
    figure.subplots_adjust(left=0.05, right=0.99, bottom=0.6 / height, top=1 - 0.4 / height, wspace=0.2, hspace=0.32)
    grid = figure.subplots(num_rows, 3, squeeze=False).ravel()
    with in_language("en"):
        for axes, panel in zip(grid, panels, strict=False):
            _draw_panel(axes, panel, history, best_epoch)
    for axes in grid[len(panels) :]:
        axes.set_axis_off()
    content = io.BytesIO()
    figure.savefig(content, dpi=80, format="png")
    write_bytes(path, content.getvalue())


def _draw_panel(axes: Axes, panel: Panel, history: Sequence[Row], best_epoch: int) -> None:
    title, unit = titles()[panel.name]
    for curve in panel.curves:
        marker = "o" if len(curve.points) <= 30 else None
        style = "--" if curve.is_dashed else "-"
        axes.plot(
            *zip(*curve.points, strict=True),
            style,
            color=curve.colour,
            marker=marker,
            ms=3.5,
            label=curve_name(curve.name),
        )
    axes.set_title(title, fontsize=12)
    axes.set(xlabel=text("report_epoch"), ylabel=unit)
    epochs = [int(row["epoch"]) for row in history]
    axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    if panel.is_logarithmic:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    elif panel.name in ("rates", "time"):
        axes.set_ylim(bottom=0, top=1.02 if panel.name == "rates" else None)
    if best_epoch:
        axes.axvline(
            best_epoch, color="grey", ls=":", lw=1.5, zorder=0, label=text("report_best_epoch", epoch=best_epoch)
        )
    axes.grid(alpha=0.3)
    axes.legend(fontsize=9)
