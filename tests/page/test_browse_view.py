"""Browsing a data set in a real browser."""

import re

import h5py
import pytest

from tests.browser import expect


@pytest.fixture
def opened(page, served):
    """The view of `eyes.h5`, its first image shown."""
    page.goto(f"{served.address}/data?data=0:eyes.h5")
    expect(page.locator(".eye-canvas image").first).to_be_attached()
    expect(page.get_by_text("60 of 60 images examined")).to_be_visible()
    return page


def image_of(page):
    return page.locator(".eye-canvas image").first.get_attribute("href")


def choose(page, label, option):
    page.get_by_label(label, exact=True).click()
    page.get_by_role("option", name=option, exact=True).click()


def test_next_previous_jump_and_random_show_other_images(opened):
    first = image_of(opened)
    opened.keyboard.press("ArrowRight")
    expect(opened.locator(".eye-canvas image").first).not_to_have_attribute("href", first)
    opened.get_by_role("button", name="Previous (←)").click()
    expect(opened.locator(".eye-canvas image").first).to_have_attribute("href", first)
    number = opened.get_by_label("Number of the image")
    number.fill("60")
    number.press("Enter")
    expect(opened.get_by_text("Row 59 of the file")).to_be_visible()
    opened.get_by_role("button", name="Random (r)").click()
    expect(opened.get_by_text("Row 59 of the file")).to_be_hidden()


def test_marks_have_names_and_lie_where_the_labels_are(opened, served):
    with h5py.File(served.runs.parent / "lab/eyes.h5") as file:
        x, y = file["keypoints"][0, 0].tolist()
    mark = opened.locator('.eye-mark[data-led="g1"]')
    assert float(mark.locator(".eye-ring").get_attribute("cx")) == pytest.approx(x)
    assert float(mark.locator(".eye-ring").get_attribute("cy")) == pytest.approx(y)
    expect(mark).to_have_attribute("aria-label", re.compile(rf"g1 \({x:.2f}, {y:.2f}\)"))


def test_heatmaps_are_laid_over_by_key(opened):
    overlay = opened.locator(".eye-overlay")
    expect(overlay).to_have_count(0)
    opened.keyboard.press("1")
    expect(overlay).to_have_count(1)
    one = overlay.get_attribute("href")
    opened.keyboard.press("2")
    expect(overlay).not_to_have_attribute("href", one)
    expect(opened.get_by_role("button", name="g2")).to_have_attribute("aria-pressed", "true")
    opened.keyboard.press("m")
    expect(overlay).to_have_count(0)


def test_rows_are_filtered_and_sorted_by_suspicion(opened, served):
    with h5py.File(served.runs.parent / "lab/eyes.h5") as file:
        present = file["present"][:]
    choose(opened, "LED missing", "g2")
    expect(opened.get_by_text(f"of {int((present[:, 1] == 0).sum())}", exact=True)).to_be_visible()
    opened.get_by_label("Name contains").fill("no such name")
    expect(opened.get_by_text("There is no such image")).to_be_visible()
    opened.get_by_label("Name contains").fill("")
    choose(opened, "LED missing", "any")
    opened.get_by_label("Suspicious first").click()
    expect(opened.locator(".eye-mark.warn").first).to_be_visible()


def test_zoom_contrast_and_names_change_how_it_is_shown(opened):
    canvas = opened.locator(".eye-canvas")
    whole = canvas.get_attribute("viewBox")
    opened.get_by_role("button", name="Zoom in").click()
    expect(canvas).not_to_have_attribute("viewBox", whole)
    opened.get_by_role("button", name="Whole image").click()
    expect(canvas).to_have_attribute("viewBox", whole)
    opened.get_by_label("Contrast").locator("[tabindex]").press("ArrowRight")
    expect(opened.locator(".eye-canvas image").first).to_have_attribute("style", re.compile(r"contrast\(1\.05\)"))
    opened.get_by_label("LED names").click()
    expect(opened.locator(".eye-mark text")).to_have_count(0)


def test_labels_are_compared_with_a_model(opened):
    choose(opened, "Model", "first")
    opened.get_by_role("button", name="Compare").click()
    expect(opened.get_by_role("button", name=re.compile(r"the model disagrees: \d+"))).to_be_visible()
    opened.get_by_role("button", name=re.compile("the model disagrees")).click()
    expect(opened.get_by_text("the model disagrees", exact=True).last).to_be_visible()


@pytest.mark.parametrize("word", ["0:../runs/first/best_model.pth", "0:nowhere.h5", "0:broken.h5"])
def test_what_cannot_be_shown_is_one_line(page, served, word):
    page.goto(f"{served.address}/data?data={word}")
    alert = page.get_by_role("alert").filter(has_text=re.compile("."))
    expect(alert.first).to_be_visible()
    assert "Traceback" not in page.content()
