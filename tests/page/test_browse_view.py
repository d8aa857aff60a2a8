"""Browsing a data set in a real browser."""

import re

import h5py
import pytest

from tests.browser import expect
from tests.page.conftest import choose


def image_of(page):
    return page.locator(".eye-canvas image").first.get_attribute("href")


def test_next_previous_jump_and_random_show_other_images(browsing):
    first = image_of(browsing)
    browsing.keyboard.press("ArrowRight")
    expect(browsing.locator(".eye-canvas image").first).not_to_have_attribute("href", first)
    browsing.get_by_role("button", name="Previous (←)").click()
    expect(browsing.locator(".eye-canvas image").first).to_have_attribute("href", first)
    number = browsing.get_by_label("Number of the image")
    number.fill("60")
    number.press("Enter")
    expect(browsing.get_by_text("Row 59 of the file")).to_be_visible()
    browsing.get_by_role("button", name="Random (r)").click()
    expect(browsing.get_by_text("Row 59 of the file")).to_be_hidden()


def test_marks_have_names_and_lie_where_the_labels_are(browsing, served):
    with h5py.File(served.runs.parent / "lab/eyes.h5") as file:
        x, y = file["keypoints"][0, 0].tolist()
    mark = browsing.locator('.eye-mark[data-led="g1"]')
    assert float(mark.locator(".eye-ring").get_attribute("cx")) == pytest.approx(x)
    assert float(mark.locator(".eye-ring").get_attribute("cy")) == pytest.approx(y)
    expect(mark).to_have_attribute("aria-label", re.compile(rf"g1 \({x:.2f}, {y:.2f}\)"))


def test_heatmaps_are_laid_over_by_key(browsing):
    overlay = browsing.locator(".eye-overlay")
    expect(overlay).to_have_count(0)
    browsing.keyboard.press("1")
    expect(overlay).to_have_count(1)
    one = overlay.get_attribute("href")
    browsing.keyboard.press("2")
    expect(overlay).not_to_have_attribute("href", one)
    expect(browsing.get_by_role("button", name="g2")).to_have_attribute("aria-pressed", "true")
    browsing.keyboard.press("m")
    expect(overlay).to_have_count(0)


def test_rows_are_filtered_and_sorted_by_suspicion(browsing, served):
    with h5py.File(served.runs.parent / "lab/eyes.h5") as file:
        present = file["present"][:]
    choose(browsing, "LED missing", "g2")
    expect(browsing.get_by_text(f"of {int((present[:, 1] == 0).sum())}", exact=True)).to_be_visible()
    browsing.get_by_label("Name contains").fill("no such name")
    expect(browsing.get_by_text("There is no such image")).to_be_visible()
    browsing.get_by_label("Name contains").fill("")
    choose(browsing, "LED missing", "any")
    browsing.get_by_role("switch", name="Suspicious first").click()
    expect(browsing.locator(".eye-mark.warn").first).to_be_visible()


@pytest.mark.parametrize("word", ["0:../runs/first/best_model.pth", "0:nowhere.h5", "0:broken.h5"])
def test_what_cannot_be_shown_is_one_line(page, served, word):
    page.goto(f"{served.address}/data?data={word}")
    alert = page.get_by_role("alert").filter(has_text=re.compile("."))
    expect(alert.first).to_be_visible()
    assert "Traceback" not in page.content()
