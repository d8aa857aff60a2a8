"""Annotating in a real browser."""

import json
import re

import pytest

from glint_unet.page.browse_reading import read_index
from tests.browser import expect
from tests.page.test_browse_view import choose


@pytest.fixture
def opened(page, served):
    """The view of three images, looked at by the run `first`."""
    page.goto(f"{served.address}/try")
    choose(page, "Model", "first")
    choose(page, "Images, video or data set", "lab/frames/")
    page.get_by_role("button", name="Open", exact=True).click()
    expect(page.get_by_text("1 of 3")).to_be_visible()
    expect(page.get_by_role("button", name="Open", exact=True)).to_be_hidden()  # only then, all is in its place
    return page


def ring(page, label):
    circle = page.locator(f'.eye-mark[data-led="{label}"] .eye-ring')
    return float(circle.get_attribute("cx")), float(circle.get_attribute("cy"))


def present(page, label):
    """Makes sure that an LED is marked as present."""
    box = page.get_by_role("checkbox", name=label)
    if box.get_attribute("aria-checked") != "true":
        box.click()
    expect(page.locator(f'.eye-mark[data-led="{label}"]')).to_be_visible()


def test_a_ring_is_dragged_saved_and_packed(opened, served):
    present(opened, "g1")
    x, y = ring(opened, "g1")
    box = opened.locator('.eye-mark[data-led="g1"] .eye-ring').bounding_box()
    scale = opened.locator(".eye-canvas").bounding_box()["width"] / 64
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    opened.keyboard.down("Shift")  # to this very place
    opened.mouse.move(*middle)
    opened.mouse.down()
    opened.mouse.move(middle[0] + 5 * scale, middle[1] - 3 * scale, steps=4)
    opened.mouse.up()
    opened.keyboard.up("Shift")
    expect(opened.get_by_text("changed, not saved")).to_be_visible()
    assert ring(opened, "g1") == pytest.approx((x + 5, y - 3), abs=0.3)
    opened.get_by_role("button", name="Save and next (Enter)").click()
    expect(opened.get_by_text("2 of 3")).to_be_visible()
    folder = served.runs.parent / "lab/annotations/frames"
    shapes = {shape["label"]: shape["points"][0] for shape in json.loads((folder / "eye_0.json").read_text())["shapes"]}
    assert shapes["g1"] == pytest.approx((x + 5, y - 3), abs=0.3)
    opened.get_by_label("Name of the data set").fill("packed.h5")
    opened.get_by_role("button", name="Pack into a data set").click()
    expect(opened.get_by_text(re.compile(r"1 images? written"))).to_be_visible()
    keypoints = read_index(folder / "packed.h5").keypoints
    assert keypoints is not None
    assert keypoints[0, 0].tolist() == pytest.approx(shapes["g1"], abs=0.01)


def test_keys_mark_absent_nudge_restore_and_go_on(opened):
    present(opened, "g2")
    opened.locator("h1").click()
    opened.keyboard.press("2")
    expect(opened.locator('.eye-mark[data-led="g2"]')).to_have_count(0)
    opened.keyboard.press("2")
    mark = opened.locator('.eye-mark[data-led="g2"]')
    expect(mark).to_be_visible()
    x, _ = ring(opened, "g2")
    mark.focus()
    opened.keyboard.press("ArrowRight")
    expect(opened.locator('.eye-mark[data-led="g2"] .eye-ring')).to_have_attribute(
        "cx", re.compile(rf"^{x + 0.25:.3f}"[:-1])
    )
    mark.focus()
    opened.keyboard.press("Delete")
    expect(mark).to_have_count(0)
    opened.locator("h1").click()
    opened.keyboard.press("ArrowRight")
    expect(opened.get_by_text("2 of 3")).to_be_visible()


def test_a_dropped_image_is_looked_at_and_downloaded_as_labelme(page, served, tmp_path):
    page.goto(f"{served.address}/try")
    choose(page, "Model", "first")
    page.locator("input[type=file]").set_input_files(served.runs.parent / "lab/frames/eye_1.png")
    expect(page.get_by_text("1 of 1")).to_be_visible()
    page.get_by_role("button", name="Save and next (Enter)").click()
    expect(page.get_by_text("saved", exact=True)).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("button", name="Download as LabelMe (.zip)").click()
    assert download.value.suggested_filename == "annotations.zip"


def test_a_file_that_is_no_image_is_one_line(page, served, tmp_path):
    page.goto(f"{served.address}/try")
    bad = tmp_path / "bad.png"
    bad.write_text("no image")
    page.locator("input[type=file]").set_input_files(bad)
    expect(page.get_by_role("alert").filter(has_text="bad.png").first).to_be_visible()
    assert "Traceback" not in page.content()
