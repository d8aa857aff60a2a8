"""Rig files in a real browser."""

import pytest

from glint_unet.data.synthetic.rig import Rig
from tests.browser import expect


@pytest.fixture
def opened(page, served):
    page.goto(f"{served.address}/rig")
    expect(page.locator(".eye-canvas image")).to_have_count(6)
    return page


def test_a_slider_changes_the_eyes_and_the_file(opened, served):
    image = opened.locator(".eye-canvas image").first
    first = image.get_attribute("href")
    opened.get_by_role("slider", name="Number of LEDs").locator("[tabindex]").press("ArrowRight")
    expect(opened.get_by_text("Number of LEDs: 9")).to_be_visible()
    expect(image).not_to_have_attribute("href", first)
    opened.get_by_label("File name").fill("nine.toml")
    opened.get_by_role("button", name="Save", exact=True).click()
    path = served.runs.parent / "lab/nine.toml"
    expect(opened.get_by_text(str(path.name)).last).to_be_visible()
    assert Rig.read(path).num_leds == 9
    opened.get_by_role("button", name="Save", exact=True).click()
    expect(opened.get_by_role("alert").filter(has_text="exists").first).to_be_visible()


def test_a_file_of_the_roots_is_opened_and_one_outside_is_not(page, served):
    page.goto(f"{served.address}/rig?rig=0:rig.toml")
    expect(page.get_by_text("Number of LEDs: 2")).to_be_visible()
    for word in ("0:../secret.toml", "0:escaping.toml"):
        page.goto(f"{served.address}/rig?rig={word}")
        expect(page.get_by_role("alert").first).to_be_visible()
        expect(page.locator(".eye-canvas image")).to_have_count(0)


def test_a_name_with_a_directory_is_refused(opened, served):
    opened.get_by_label("File name").fill("../up.toml")
    opened.get_by_role("button", name="Save", exact=True).click()
    expect(opened.get_by_role("alert").filter(has_text="cannot be used as a name").first).to_be_visible()
    assert not (served.runs.parent / "up.toml").exists()
