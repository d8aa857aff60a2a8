"""The report of a run as a page."""

import itertools
import json
import re
import shutil
from html.parser import HTMLParser

import numpy as np
import pytest

from glint_unet.errors import RunDirectoryError
from glint_unet.messages import set_language
from glint_unet.model.predictions import Predictions
from glint_unet.report.judged import Judged
from glint_unet.report.page import settings_tables, write_evaluation_report, write_run_report
from glint_unet.runs.run_directory import RunDirectory

HOSTILE = '<script>document.title="owned"</script><img src=http://example.com/x onerror=alert(1)>"\''


def judged(num=4, name="eye"):
    random = np.random.default_rng(0)
    truth = random.uniform(3, 28, (num, 2, 2)).astype(np.float32)
    points = truth + random.normal(0, 0.5, truth.shape).astype(np.float32)
    ones = np.ones((num, 2), np.float32)
    predictions = Predictions(points, ones, ones * np.float32(0.5), truth, (32, 32), 0.5)
    images = random.integers(0, 255, (num, 32, 32)).astype(np.uint8)
    labels = [f"{name} 1", "g2"]
    return Judged.of(predictions, labels, lambda k: images[k], lambda k: [f"{name} {row}" for row in k])


class Tags(HTMLParser):
    """Every element of a page with its attributes."""

    def __init__(self, page):
        super().__init__()
        self.found = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.found.append((tag, dict(attrs)))


@pytest.fixture
def run(finished, tmp_path):
    return RunDirectory(shutil.copytree(finished, tmp_path / "run"))


def test_a_page_of_hostile_names_holds_no_script_and_loads_nothing(run):
    settings = json.loads(run.training_args.read_text())
    run.training_args.write_text(json.dumps(settings | {"h5": HOSTILE, HOSTILE: HOSTILE}))
    run.dataset.write_text(json.dumps({"md5": HOSTILE, "image_size": [HOSTILE]}))
    run.provenance.write_text(json.dumps([{"command": HOSTILE, "versions": {HOSTILE: HOSTILE}}]))
    write_run_report(run, judged(name=HOSTILE), 3, HOSTILE)
    page = run.report.read_text()
    tags = Tags(page).found
    assert page.count("&lt;script&gt;") > 5
    assert not {"script", "img", "iframe", "link", "object", "embed"} & {tag for tag, _ in tags}
    for tag, attributes in tags:
        assert not any(name.startswith("on") for name in attributes), (tag, attributes)
        for name in ("href", "src", "xlink:href"):
            assert re.match(r"#|data:image/png;base64,|$", attributes.get(name) or ""), (tag, attributes)
    assert "url(" not in page


def test_no_request_leaves_and_nothing_is_wider_than_a_phone(run, browser):
    write_run_report(run, judged(name=HOSTILE), 3)
    requests = []
    page = browser.new_page(viewport={"width": 360, "height": 800})
    page.on("request", lambda request: requests.append(request.url))
    page.goto(run.report.as_uri())
    page.wait_for_load_state("load")
    assert page.title().startswith("Training report")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("svg.eye").count() == 3
    assert page.locator("svg.part").count() == 6
    box = page.locator("svg.part use").first.bounding_box()
    assert box["width"] > 0
    page.close()
    assert [url for url in requests if not url.startswith("data:")] == [run.report.as_uri()]


def test_a_reader_who_does_not_see_it_gets_names_headings_and_table_headers(run):
    write_run_report(run, judged(), 3)
    tags = Tags(run.report.read_text()).found
    assert [attributes["lang"] for tag, attributes in tags if tag == "html"] == ["en"]
    pictures = [attributes for tag, attributes in tags if tag == "svg"]
    assert len(pictures) > 10
    assert all(picture["role"] == "img" and picture["aria-label"] for picture in pictures)
    assert all("scope" in attributes for tag, attributes in tags if tag == "th")
    headings = [int(tag[1]) for tag, _ in tags if re.fullmatch(r"h\d", tag)]
    assert headings[0] == 1
    assert all(after - before <= 1 for before, after in itertools.pairwise(headings))
    ids = [attributes["id"] for _, attributes in tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert {attributes["href"][1:] for tag, attributes in tags if tag == "a"} <= set(ids)


def test_the_page_is_in_the_language_of_the_user(run):
    set_language("zh")
    write_run_report(run, judged(), 3)
    page = run.report.read_text()
    assert '<html lang="zh-CN">' in page
    assert "训练报告: run" in page
    assert "Training report" not in page


def test_a_report_without_images_says_why(run):
    write_run_report(run, None, 0, "the data set is gone")
    page = run.report.read_text()
    assert "the data set is gone" in page
    assert "no best model yet" in page
    assert 'id="curves"' in page
    assert 'id="examples"' not in page


@pytest.mark.parametrize("rows", ["", "[]", '{"a": 1}', '[{"epoch": 0}]', "[["])
def test_a_directory_without_epochs_is_refused(tmp_path, rows):
    run = RunDirectory(tmp_path)
    run.metrics.write_text(rows)
    with pytest.raises(RunDirectoryError, match="no record of epochs"):
        write_run_report(run, None, 0)
    assert not run.report.exists()


@pytest.mark.parametrize("num", [1, 2, 3, 50])
def test_any_number_of_images_is_reported(tmp_path, num):
    write_evaluation_report(tmp_path / "e.html", tmp_path / "run", tmp_path / "e.h5", judged(num))
    page = (tmp_path / "e.html").read_text()
    assert page.count('class="eye"') == min(num, 9)
    assert "Evaluation report: run" in page


def test_settings_are_divided_into_changed_ones_and_defaults():
    changed, others = settings_tables({"epochs": 7, "lr": 4e-3, "unknown": 1})
    assert changed == [("epochs", 7), ("unknown", 1)]
    assert others == [("lr", 4e-3)]
