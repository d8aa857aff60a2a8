"""The charts of a report: learning curves, distribution of errors, errors against predicted standard deviations."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from markupsafe import Markup

from glint_unet.messages import text
from glint_unet.model.metrics import LAPLACE_MEDIAN
from glint_unet.model.predictions import Predictions
from glint_unet.report.curves import Curve, Panel, Row, curve_name, panels_of, titles
from glint_unet.report.palette import SERIES, series_colour
from glint_unet.report.svg import Axis, Chart

_NUM_BARS, _LEAST_SPAN_PX = 25, 0.5
_MOST_DOTS = 1000
_GROUP, _MOST_GROUPS = 8, 10


class Key(NamedTuple):
    """An entry of a legend."""

    name: str
    colour: str
    is_dashed: bool = False


class Figure(NamedTuple):
    """A chart with its heading, legend and a note below it."""

    title: str
    svg: Markup
    keys: Sequence[Key] = ()
    note: str = ""


def curve_figures(history: Sequence[Row], best_epoch: int) -> list[Figure]:
    """The learning curves; the best epoch is marked unless it is 0."""
    return [_panel_figure(panel, history, best_epoch) for panel in panels_of(history)]


def _panel_figure(panel: Panel, history: Sequence[Row], best_epoch: int) -> Figure:
    title, unit = titles()[panel.name]
    epochs = [float(row["epoch"]) for row in history]
    x = Axis.around(text("report_epoch"), epochs, is_integer=True)
    values = [value for curve in panel.curves for _, value in curve.points]
    is_share = panel.name == "rates"
    y = Axis(unit, 0, 1.02) if is_share else Axis.around(unit, values, is_logarithmic=panel.is_logarithmic)
    chart = Chart(x, y, f"{title}: {', '.join(map(_summary, panel.curves))}")
    if best_epoch:
        chart.upright(best_epoch)
    keys = []
    for curve in panel.curves:
        chart.line(curve.points, curve.colour, curve_name(curve.name), is_dashed=curve.is_dashed)
        keys.append(Key(curve_name(curve.name), curve.colour, curve.is_dashed))
    return Figure(title, chart.markup(), keys, text("report_best_epoch", epoch=best_epoch) if best_epoch else "")


def _summary(curve: Curve) -> str:
    first, last = curve.points[0][1], curve.points[-1][1]
    return text("curve_alt", name=curve_name(curve.name), first=first, last=last)


def error_figures(predictions: Predictions) -> list[Figure]:
    """Distribution of the errors of found glints, and the errors against their predicted standard deviations."""
    both = predictions.found & predictions.present
    errors, sigmas = predictions.errors[both].astype(float), predictions.sigmas[both].astype(float)
    usable = np.isfinite(errors) & np.isfinite(sigmas) & (sigmas > 0)
    if not usable.any():
        return []
    return [_histogram(errors[usable]), _calibration(errors[usable], sigmas[usable])]


def _histogram(errors: np.ndarray) -> Figure:
    median, p95 = np.quantile(errors, (0.5, 0.95)).tolist()
    span = max(1.3 * p95, _LEAST_SPAN_PX)
    counts, edges = np.histogram(errors.clip(max=span * (1 - 1e-9)), bins=_NUM_BARS, range=(0, span))
    alt = text("report_histogram_alt", num=len(errors), median=median, p95=p95)
    y = Axis(text("report_num_glints"), 0, 1.05 * float(counts.max()))
    chart = Chart(Axis(text("curve_axis_error"), 0, span), y, alt)
    for low, high, count in zip(edges, edges[1:], counts, strict=False):
        chart.bar(low, high, int(count), SERIES[0], f"{low:.2f}..{high:.2f} px: {count}")
    num_beyond = int((errors > span).sum())
    beyond = text("report_beyond", num=num_beyond)
    note = f"{alt}; {beyond}" if num_beyond else alt
    return Figure(text("report_histogram"), chart.markup(), (), note)


def _calibration(errors: np.ndarray, sigmas: np.ndarray) -> Figure:
    """Errors over predicted standard deviations on logarithmic axes, with the medians of groups of equal size."""
    order = np.argsort(sigmas)
    num_groups = int(np.clip(len(errors) // _GROUP, 1, _MOST_GROUPS))
    groups = [(np.median(sigmas[part]), np.median(errors[part])) for part in np.array_split(order, num_groups)]
    ratio = float(np.median(errors / (LAPLACE_MEDIAN * sigmas)))
    note = text("report_sigma_ratio", ratio=ratio)
    shown = np.linspace(0, len(errors) - 1, min(_MOST_DOTS, len(errors))).astype(int)
    least = 0.02
    x = Axis.around(text("report_sigma_axis"), sigmas.clip(least).tolist(), is_logarithmic=True)
    y = Axis.around(text("curve_axis_error"), errors.clip(least).tolist(), is_logarithmic=True)
    chart = Chart(x, y, f"{text('report_sigma')}: {note}")
    dot, median, ideal = (series_colour(k) for k in (5, 1, 2))
    for k in shown:
        chart.dot((max(sigmas[k], least), max(errors[k], least)), dot)
    ends = (max(x.low, y.low / LAPLACE_MEDIAN), min(x.high, y.high / LAPLACE_MEDIAN))
    keys = [Key(text("report_sigma_one"), dot), Key(text("report_sigma_median"), median)]
    if ends[0] < ends[1]:
        chart.line([(end, LAPLACE_MEDIAN * end) for end in ends], ideal, text("report_sigma_ideal"), is_dashed=True)
        keys.append(Key(text("report_sigma_ideal"), ideal, True))
    points = [(float(max(sigma, least)), float(max(error, least))) for sigma, error in groups]
    chart.line(points, median, text("report_sigma_median"))
    return Figure(text("report_sigma"), chart.markup(), keys, note)
