"""Example images as SVG for a page: the image once, and its magnified parts, which refer to it."""

import base64
import io
from typing import NamedTuple

import numpy as np
from markupsafe import Markup
from PIL import Image

from glint_unet.messages import text
from glint_unet.model.metrics import RIGHT_WITHIN_PX
from glint_unet.report.examples import Example, Mark
from glint_unet.report.label_places import place_labels
from glint_unet.report.palette import led_colour

_WIDTH = 420  # of the whole image, in pixels of the page, for the sizes of marks and labels
_LABEL = (30.0, 17.0)


class Part(NamedTuple):
    """A magnified part of an image."""

    label: str
    colour: str
    caption: str
    is_right: bool
    svg: Markup


class EyeView(NamedTuple):
    """An example as shown in a page."""

    name: str
    summary: str
    svg: Markup
    parts: list[Part]


def eye_view(example: Example, number: int) -> EyeView:
    """The view of an example; `number` is different for each example of a page."""
    summary = text("report_example_right", num=example.num_right, all=len(example.marks))
    if example.largest_error_px is not None:
        summary += "; " + text("report_example_largest", error=example.largest_error_px)
    parts = [_part(example, mark, number) for mark in example.marks]
    return EyeView(example.name, summary, _whole(example, number), parts)


def _whole(example: Example, number: int) -> Markup:
    content, (H, W) = io.BytesIO(), example.image.shape
    Image.fromarray(example.image).save(content, "png")
    data = "data:image/png;base64," + base64.b64encode(content.getvalue()).decode()
    alt = text("report_example_alt", name=example.name, num=len(example.marks))
    head = Markup('<svg class="eye" viewBox="-0.5 -0.5 {0} {1}" role="img" aria-label="{2}">').format(W, H, alt)
    image = Markup('<image id="eye{}" x="-0.5" y="-0.5" width="{}" height="{}" href="{}"/>').format(number, W, H, data)
    return Markup("").join([head, image, *_marks(example), Markup("</svg>")])


def _marks(example: Example) -> list[Markup]:
    """A ring at each mark, and its label at the end of a line beside it."""
    if not example.marks:
        return []
    H, W = example.image.shape
    scale = _WIDTH / W
    places = np.array([mark.place for mark in example.marks], np.float64)
    labels = place_labels((places + 0.5) * scale, (_WIDTH, H * scale), _LABEL) / scale - 0.5
    shape = Markup(
        '<g stroke="{c}" fill="{c}"><line class="thin" x1="{x:.2f}" y1="{y:.2f}" x2="{u:.2f}" y2="{v:.2f}"/>'
        '<circle class="ring" cx="{x:.2f}" cy="{y:.2f}" r="{r:.2f}"/>'
        '<text x="{u:.2f}" y="{v:.2f}" font-size="{s:.2f}" stroke-width="{h:.2f}">{label}</text></g>'
    )
    size = {"r": 4.5 / scale, "s": 13 / scale, "h": 3 / scale}
    return [
        shape.format(c=led_colour(mark.channel), x=x, y=y, u=u, v=v, label=mark.label, **size)
        for mark, (x, y), (u, v) in zip(example.marks, places, labels, strict=True)
    ]


def _part(example: Example, mark: Mark, number: int) -> Part:
    side, (x, y), colour = example.side, example.corner(mark), led_colour(mark.channel)
    verdict = example.verdict(mark)
    captions = {"missed": text("report_missed"), "false": text("report_false")}
    caption = captions.get(verdict) or text("report_px", error=mark.error_px or 0.0)
    alt = text("report_part_alt", label=mark.label, verdict=caption)
    head = Markup('<svg class="part" viewBox="{} {} {} {}" role="img" aria-label="{}">')
    items = [head.format(x - 0.5, y - 0.5, side, side, alt), Markup('<use href="#eye{}"/>').format(number)]
    if mark.truth:
        ring = Markup('<circle class="{}" cx="{:.3f}" cy="{:.3f}" r="{}"/>')
        items += [ring.format(name, *mark.truth, RIGHT_WITHIN_PX) for name in ("halo", "truth")]
    if mark.found:
        a, b = mark.found
        arm = side / 20
        path = f"M{a - arm:.3f} {b:.3f}h{2 * arm:.3f}M{a:.3f} {b - arm:.3f}v{2 * arm:.3f}"
        cross = Markup('<path class="{}" d="{}" stroke="{}"/>')
        items += [cross.format("halo", path, "black"), cross.format("cross", path, colour)]
    if mark.truth and mark.found:
        line = Markup('<line class="off" x1="{:.3f}" y1="{:.3f}" x2="{:.3f}" y2="{:.3f}" stroke="{}"/>')
        items.append(line.format(*mark.truth, *mark.found, colour))
    return Part(mark.label, colour, caption, verdict == "right", Markup("").join([*items, Markup("</svg>")]))
