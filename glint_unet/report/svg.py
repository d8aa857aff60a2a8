"""Charts as SVG for a page: in the page's fonts and colours, without scripts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup
from matplotlib.ticker import LogLocator, MaxNLocator

Points = Sequence[tuple[float, float]]

_WIDTH, _HEIGHT = 460, 280
_LEFT, _RIGHT, _TOP, _BOTTOM = 72, 14, 12, 46
_MOST_DOTS = 40


@dataclass(frozen=True)
class Axis:
    """An axis of a chart.

    Attributes:
        label: its name with the unit.
        low, high: the values at its ends; both positive where it is logarithmic.
        is_logarithmic: whether its scale is.
        is_integer: whether only whole numbers are ticked.
    """

    label: str
    low: float
    high: float
    is_logarithmic: bool = False
    is_integer: bool = False

    @classmethod
    def around(
        cls, label: str, values: Sequence[float], *, is_logarithmic: bool = False, is_integer: bool = False
    ) -> "Axis":
        """An axis that holds all values, with a margin; from 0 where they are far from negative."""
        low, high = min(values), max(values)
        if is_logarithmic:
            return cls(label, low / 1.15, high * 1.15, True)
        if is_integer:
            return cls(label, low - 0.5, high + 0.5, is_integer=True)
        margin = 0.05 * (high - low) or 0.1 * abs(high) or 1.0
        return cls(label, 0.0 if 0 <= low < 0.5 * high else low - margin, high + margin)

    def share(self, value: float) -> float:
        """Where on the axis a value is, 0..1 from its low end."""
        if self.is_logarithmic:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def ticks(self) -> list[float]:
        """The values to mark."""
        if self.is_logarithmic:
            found = LogLocator(subs=(1, 2, 5)).tick_values(self.low, self.high)
        else:
            found = MaxNLocator(6, integer=self.is_integer, min_n_ticks=1).tick_values(self.low, self.high)
        return [float(value) for value in found if self.low <= value <= self.high]


class Chart:
    """A chart with two axes, to which lines, bars and dots are added.

    Args:
        x, y: the axes.
        alt: what the chart shows, for readers who do not see it.
    """

    def __init__(self, x: Axis, y: Axis, alt: str) -> None:
        self._x, self._y, self._alt = x, y, alt
        self._items: list[Markup] = []

    def line(self, points: Points, colour: str, name: str, *, is_dashed: bool = False) -> None:
        """Adds a line; where there are few points, also a dot with a tooltip for each."""
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self._place, points))
        dashes = Markup(' stroke-dasharray="6 4"') if is_dashed else ""
        self._items.append(
            Markup('<polyline points="{}" fill="none" stroke="{}" stroke-width="2"{}/>').format(path, colour, dashes)
        )
        if len(points) <= _MOST_DOTS:
            for point in points:
                self.dot(point, colour, f"{name}: {point[0]:g}, {point[1]:.4g}", radius=2.6)

    def dot(self, point: tuple[float, float], colour: str, title: str = "", *, radius: float = 1.8) -> None:
        """Adds a dot."""
        (x, y), inside = self._place(point), Markup("<title>{}</title>").format(title) if title else ""
        self._items.append(
            Markup('<circle cx="{:.1f}" cy="{:.1f}" r="{}" fill="{}">{}</circle>').format(x, y, radius, colour, inside)
        )

    def bar(self, low: float, high: float, value: float, colour: str, title: str) -> None:
        """Adds a bar from `low` to `high` on the x axis."""
        (left, top), (right, bottom) = self._place((low, value)), self._place((high, self._y.low))
        shape = '<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}" fill="{}"><title>{}</title></rect>'
        size = max(right - left - 1, 0.5), max(bottom - top, 0)
        self._items.append(Markup(shape).format(left + 0.5, top, *size, colour, title))

    def upright(self, x: float) -> None:
        """Adds a dotted vertical line."""
        (place, _), end = self._place((x, self._y.low)), _HEIGHT - _BOTTOM
        shape = '<line class="mark" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
        self._items.append(Markup(shape).format(place, _TOP, end))

    def markup(self) -> Markup:
        """The chart as an inline SVG element."""
        head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="img" aria-label="{}">')
        parts = [head.format(_WIDTH, _HEIGHT, self._alt), *self._ticks(), *self._items, Markup("</svg>")]
        return Markup("").join(parts)

    def _place(self, point: tuple[float, float]) -> tuple[float, float]:
        width, height = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return _LEFT + width * self._x.share(point[0]), _TOP + height * (1 - self._y.share(point[1]))

    def _ticks(self) -> list[Markup]:
        bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
        grid = Markup('<line class="grid" x1="{:.1f}" x2="{:.1f}" y1="{:.1f}" y2="{:.1f}"/>')
        number = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="{}">{:.6g}</text>')
        parts = []
        for value in self._x.ticks():
            x, _ = self._place((value, self._y.low))
            parts += [grid.format(x, x, _TOP, bottom), number.format(x, bottom + 16, "middle", value)]
        for value in self._y.ticks():
            _, y = self._place((self._x.low, value))
            parts += [grid.format(_LEFT, right, y, y), number.format(_LEFT - 6, y + 4, "end", value)]
        middle_x, middle_y = (_LEFT + right) / 2, (_TOP + bottom) / 2
        name = Markup('<text x="{:.1f}" y="{:.1f}" text-anchor="middle">{}</text>')
        turned = Markup('<text transform="translate(14 {:.1f}) rotate(-90)" text-anchor="middle">{}</text>')
        return [*parts, name.format(middle_x, _HEIGHT - 8, self._x.label), turned.format(middle_y, self._y.label)]
