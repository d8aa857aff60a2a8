"""A comparison of runs as one HTML page: curves in the same axes, metrics, recall of each LED, differing settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glint_unet.experiments.comparison import Comparison, statements
from glint_unet.experiments.run_info import RunInfo
from glint_unet.files import write_bytes
from glint_unet.messages import text
from glint_unet.report.charts import Figure, Key
from glint_unet.report.page import Table, render
from glint_unet.report.palette import SERIES, series_colour
from glint_unet.report.svg import Axis, Chart
from glint_unet.runs.json_file import as_count, as_dict, as_number

Points = list[tuple[int, float]]


def write_comparison_page(runs: Sequence[RunInfo], comparison: Comparison, path: Path) -> None:
    """Writes the page.

    Args:
        runs: two or more.
        comparison: of these runs.
        path: the HTML file.
    """
    figures, tables = comparison_parts(runs, comparison)
    content = {
        "title": text("report_comparison_title"),
        "subtitle": ". ".join(statements(comparison)),
        "curves": figures,
        "tables": tables,
    }
    write_bytes(path, render(content))


def comparison_parts(runs: Sequence[RunInfo], comparison: Comparison) -> tuple[list[Figure], list[Table]]:
    """The curves and tables of a comparison of two or more runs."""
    panels = {
        "total": (text("report_val_loss"), text("curve_axis_loss")),
        "f1": (text("report_val_f1"), text("curve_axis_share")),
        "px_median": (text("report_val_error"), text("curve_axis_error")),
    }
    figures = [_figure(runs, comparison.labels, metric, *names) for metric, names in panels.items()]
    return [figure for figure in figures if figure], _tables(comparison)


def _figure(runs: Sequence[RunInfo], labels: Sequence[str], metric: str, title: str, unit: str) -> Figure | None:
    """The curves of all runs; None where none has a value."""
    curves = [_points(run, metric) for run in runs]
    values = [point for points in curves for point in points]
    if not values:
        return None
    x = Axis.around(text("report_epoch"), [float(epoch) for epoch, _ in values], is_integer=True)
    y = Axis(unit, 0, 1.02) if metric == "f1" else Axis.around(unit, [value for _, value in values])
    pairs = [(label, points) for label, points in zip(labels, curves, strict=True) if points]
    ends = (text("curve_alt", name=label, first=points[0][1], last=points[-1][1]) for label, points in pairs)
    chart, keys = Chart(x, y, f"{title}: {', '.join(ends)}"), []
    for number, (label, points) in enumerate(zip(labels, curves, strict=True)):
        key = Key(label, series_colour(number), number // len(SERIES) % 2 == 1)
        keys.append(key)
        if points:
            chart.line(points, key.colour, label, is_dashed=key.is_dashed)
    return Figure(title, chart.markup(), keys)


def _points(run: RunInfo, metric: str) -> Points:
    values = [(as_count(row.get("epoch")), as_number(as_dict(row.get("val")).get(metric))) for row in run.rows]
    return [(epoch, value) for epoch, value in values if value is not None]


def _tables(comparison: Comparison) -> list[Table]:
    names = [text("report_run"), text("compare_best_epoch"), *comparison.metrics]
    columns = zip(comparison.labels, comparison.best_epochs, *comparison.metrics.values(), strict=True)
    tables = [Table(text("report_metrics"), names, [list(map(_cell, column)) for column in columns])]
    if comparison.leds:
        recall = [[result.recall if result else None for result in row] for row in comparison.leds.values()]
        rows = [list(map(_cell, column)) for column in zip(comparison.labels, *recall, strict=True)]
        tables.append(Table(text("report_recall_of_leds"), [text("report_run"), *comparison.leds], rows))
    differences = comparison.settings | comparison.conditions
    if differences:
        head = [text("report_settings"), *comparison.labels]
        rows = [[name, *map(_cell, values)] for name, values in differences.items()]
        tables.append(Table(text("report_differences"), head, rows))
    return tables


def _cell(value: Any) -> str:
    return "-" if value is None else f"{value:.4g}" if isinstance(value, float) else str(value)
