"""The view of a run: while it trains, and afterwards."""

import re
import shutil
import subprocess
import sys

from tests.browser import expect
from tests.conftest import ROOT


def test_a_run_shows_its_curves_its_log_and_its_settings(page, served):
    page.goto(f"{served.address}/run?name=first")
    page.get_by_role("heading", name="Run first").wait_for()
    page.locator("svg.chart").first.wait_for()
    page.locator("pre.glint-log").get_by_text("Training finished").wait_for()
    page.get_by_text("base_channels").first.wait_for(state="attached")


def test_a_training_is_watched_stopped_and_resumed(page, served):
    run, epochs = served.runs / "live", page.locator("#progress")
    words = ["--h5", "lab/eyes.h5", "--output_dir", "runs/live", "--epochs", "2000", "--base_channels", "4"]
    with subprocess.Popen(
        [sys.executable, ROOT / "train_glint_unet.py", *words, "--no_progress"],
        cwd=served.runs.parent,
        stdout=subprocess.DEVNULL,
    ) as training:
        page.goto(served.address)
        page.get_by_role("row").filter(has_text="live").get_by_text("running").wait_for()
        page.get_by_role("link", name="live").click()
        expect(epochs).to_contain_text(re.compile(r"epoch [1-9]\d* of 2000"))
        text, curve = epochs.inner_text(), page.locator("svg.chart").first.inner_html()
        expect(epochs).not_to_have_text(text)
        page.wait_for_function("before => document.querySelector('svg.chart').innerHTML !== before", arg=curve)
        page.get_by_role("button", name="Save and stop").click()
        page.get_by_text("interrupted", exact=True).wait_for()
        assert training.wait() == 143
    page.get_by_role("button", name="Resume").click()
    page.get_by_text("running", exact=True).wait_for()
    page.locator("pre.glint-log").get_by_text("Resuming after epoch").wait_for()
    page.get_by_role("button", name="Save and stop").click()
    page.get_by_text("interrupted", exact=True).wait_for()
    assert "Resuming after epoch" in (run / "console.log").read_text()
    shutil.rmtree(run)
