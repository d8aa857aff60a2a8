"""Draws a layout that was found over the median eye."""

import io
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Ellipse
from matplotlib.patheffects import withStroke
from numpy.typing import NDArray

from glint_unet.files import write_bytes
from glint_unet.layout.finding import Finding
from glint_unet.layout.median_eye import HALF_SIDE, reach_px

_DEVIATIONS = 5  # of the ellipses: one would be too small to see


def draw_layout(finding: Finding, path: Path) -> None:
    """Writes a PNG: the LEDs, with their numbers, over the median eye, and how sure they are."""
    poses, certainty, names = finding.poses, finding.certainty, finding.names
    reach = reach_px(poses, finding.images)
    figure = Figure(figsize=(7, 7.6), layout="constrained")
    axes = figure.subplots()
    dark, bright = np.quantile(finding.median, (0.001, 0.999))
    extent = (-HALF_SIDE, HALF_SIDE, HALF_SIDE, -HALF_SIDE)
    axes.imshow(finding.median, cmap="gray", vmin=dark, vmax=max(bright, dark + 1), extent=extent)
    for k, led in enumerate(finding.shape.order):
        at, colour = poses.leds[led] / reach, f"C{k % 10}"
        axes.plot(at.real, at.imag, "+", color=colour, ms=12, mew=1.5)
        axes.add_patch(_ellipse(finding, led, colour))
        outwards = at / abs(at) if abs(at) > 0 else 1
        label = f"{names[k]}  {certainty.seen[led]:.0%}"
        place = at + 0.3 * outwards
        axes.annotate(
            label, (place.real, place.imag), color=colour, fontsize=10, ha="center", va="center"
        ).set_path_effects([withStroke(linewidth=2, foreground="black")])
    axes.set_axis_off()
    axes.set_title(_title(finding), fontsize=10)
    content = io.BytesIO()
    figure.savefig(content, dpi=100, format="png")
    write_bytes(path, content.getvalue())


def _title(finding: Finding) -> str:
    certainty, num = finding.certainty, finding.shape.num_leds
    what = "1 LED" if num == 1 else f"{num} LEDs in a ring" if finding.shape.is_ring else f"{num} LEDs"
    seen = f"seen in {certainty.num_explained} of {certainty.num_images} images with glints"
    lines = [f"{what}, confidence {certainty.grade.value}; {seen}; median of the aligned images"]
    if num > 1:
        lines.append(
            f"quarters left out: {certainty.again:.0%} of the LEDs found again, "
            f"{100 * certainty.error:.1f} % of the layout's size apart"
        )
        lines.append(f"percentages: images that show the LED; ellipses: {_DEVIATIONS} standard deviations of a glint")
    return "\n".join(lines)


def _ellipse(finding: Finding, led: int, colour: str) -> Ellipse:
    """The spread of an LED's glints about its place."""
    poses, reach = finding.poses, reach_px(finding.poses, finding.images)
    rows = finding.rows[poses.found[finding.rows, led]]
    away = (poses.points - poses.places())[rows, led] / poses.scale[rows]
    lengths, axes = _axes(away / reach)
    angle = np.degrees(np.arctan2(axes[1, 1], axes[0, 1]))
    width, height = 2 * _DEVIATIONS * lengths[1], 2 * _DEVIATIONS * lengths[0]
    at = poses.leds[led] / reach
    return Ellipse((at.real, at.imag), width, height, angle=angle, fill=False, color=colour)


def _axes(away: NDArray[np.complex128]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Standard deviations along the two main axes, the smaller first, and these axes as columns."""
    parts = np.stack([away.real, away.imag])
    variances, axes = np.linalg.eigh(parts @ parts.T / max(away.size, 1))
    return np.sqrt(np.maximum(variances, 0)), axes
