"""Runs compared in a page."""

import json
import shutil

from glint_unet.experiments.comparison import compare_runs
from glint_unet.experiments.comparison_page import write_comparison_page
from glint_unet.experiments.run_info import read_run


def test_curves_metrics_leds_and_differing_settings_are_in_the_page(finished, tmp_path):
    paths = [shutil.copytree(finished, tmp_path / name) for name in ("a", "<b>")]
    settings = json.loads((paths[1] / "training_args.json").read_text())
    (paths[1] / "training_args.json").write_text(json.dumps(settings | {"lr": 0.125}))
    runs = [read_run(path) for path in paths]
    write_comparison_page(runs, compare_runs(runs), tmp_path / "c.html")
    page = (tmp_path / "c.html").read_text()
    assert page.count('class="chart"') == 3
    assert "Data set: the same" in page
    assert '<th scope="row">lr</th><td>0.004</td><td>0.125</td>' in page
    assert '<th scope="col">g3</th>' in page
    assert "&lt;b&gt;" in page
    assert "<b>" not in page


def test_runs_without_an_epoch_are_compared_too(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        (tmp_path / name / "training_args.json").write_text("{}")
    runs = [read_run(tmp_path / name) for name in "ab"]
    write_comparison_page(runs, compare_runs(runs), tmp_path / "c.html")
    assert 'class="chart"' not in (tmp_path / "c.html").read_text()
