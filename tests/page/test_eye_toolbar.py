import re

from tests.browser import expect


def test_zoom_contrast_and_names_change_how_it_is_shown(browsing):
    canvas = browsing.locator(".eye-canvas")
    whole = canvas.get_attribute("viewBox")
    browsing.get_by_role("button", name="Zoom in").click()
    expect(canvas).not_to_have_attribute("viewBox", whole)
    browsing.get_by_role("button", name="Whole image").click()
    expect(canvas).to_have_attribute("viewBox", whole)
    browsing.get_by_label("Contrast").locator("[tabindex]").press("ArrowRight")
    expect(browsing.locator(".eye-canvas image").first).to_have_attribute("style", re.compile(r"contrast\(1\.05\)"))
    browsing.get_by_role("switch", name="LED names").click()
    expect(browsing.locator(".eye-mark text")).to_have_count(0)
