"""Annotating in a real browser."""

import json
import re

import pytest

from glint_unet.page.browse_reading import read_index
from tests.browser import expect


def ring(page, label):
    circle = page.locator(f'.eye-mark[data-led="{label}"] .eye-ring')
    return float(circle.get_attribute("cx")), float(circle.get_attribute("cy"))


def present(page, label):
    """Makes sure that an LED is marked as present."""
    box = page.get_by_role("checkbox", name=label)
    if box.get_attribute("aria-checked") != "true":
        box.click()
    expect(page.locator(f'.eye-mark[data-led="{label}"]')).to_be_visible()


def test_a_ring_is_dragged_saved_and_packed(annotating, served):
    present(annotating, "g1")
    x, y = ring(annotating, "g1")
    box = annotating.locator('.eye-mark[data-led="g1"] .eye-ring').bounding_box()
    scale = annotating.locator(".eye-canvas").bounding_box()["width"] / 64
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    annotating.keyboard.down("Shift")  # to this very place
    annotating.mouse.move(*middle)
    annotating.mouse.down()
    annotating.mouse.move(middle[0] + 5 * scale, middle[1] - 3 * scale, steps=4)
    annotating.mouse.up()
    annotating.keyboard.up("Shift")
    expect(annotating.get_by_text("changed, not saved")).to_be_visible()
    assert ring(annotating, "g1") == pytest.approx((x + 5, y - 3), abs=0.3)
    annotating.get_by_role("button", name="Save and next (Enter)").click()
    expect(annotating.get_by_text("2 of 3", exact=True)).to_be_visible()
    folder = served.runs.parent / "lab/annotations/frames"
    shapes = {shape["label"]: shape["points"][0] for shape in json.loads((folder / "eye_0.json").read_text())["shapes"]}
    assert shapes["g1"] == pytest.approx((x + 5, y - 3), abs=0.3)
    annotating.get_by_label("Name of the data set").fill("packed.h5")
    annotating.get_by_role("button", name="Pack into a data set").click()
    expect(annotating.get_by_text(re.compile(r"1 images? written"))).to_be_visible()
    keypoints = read_index(folder / "packed.h5").keypoints
    assert keypoints is not None
    assert keypoints[0, 0].tolist() == pytest.approx(shapes["g1"], abs=0.01)


def test_keys_mark_absent_nudge_restore_and_go_on(annotating):
    present(annotating, "g2")
    annotating.locator("h1").click()
    annotating.keyboard.press("2")
    expect(annotating.locator('.eye-mark[data-led="g2"]')).to_have_count(0)
    annotating.keyboard.press("2")
    mark = annotating.locator('.eye-mark[data-led="g2"]')
    expect(mark).to_be_visible()
    x, _ = ring(annotating, "g2")
    mark.focus()
    annotating.keyboard.press("ArrowRight")
    expect(annotating.locator('.eye-mark[data-led="g2"] .eye-ring')).to_have_attribute(
        "cx", re.compile(rf"^{x + 0.25:.3f}"[:-1])
    )
    mark.focus()
    annotating.keyboard.press("Delete")
    expect(mark).to_have_count(0)
    annotating.locator("h1").click()
    annotating.keyboard.press("ArrowRight")
    expect(annotating.get_by_text("2 of 3", exact=True)).to_be_visible()
