from tests.browser import expect
from tests.page.conftest import choose


def test_a_dropped_image_is_looked_at_and_downloaded_as_labelme(page, served, tmp_path):
    page.goto(f"{served.address}/try")
    choose(page, "Model", "first")
    page.locator("input[type=file]").set_input_files(served.runs.parent / "lab/frames/eye_1.png")
    expect(page.get_by_text("1 of 1", exact=True)).to_be_visible()
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
