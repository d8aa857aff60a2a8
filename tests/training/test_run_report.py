"""Reports made from what is on disk."""

import re
import shutil

import pytest

from glint_unet.errors import RunDirectoryError
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.run_report import remake_report


def body(run):
    """The page without the time at its end."""
    return re.sub(r"<footer>.*", "", run.report.read_text(), flags=re.DOTALL)


def test_a_remade_report_is_that_of_the_end_of_the_run(finished, tmp_path):
    run = RunDirectory(shutil.copytree(finished, tmp_path / finished.name))
    before = body(run)
    run.report.unlink()
    remake_report(run)
    same = body(run).replace(str(tmp_path / finished.name), str(finished))
    figures = re.compile(r"<dd>.*?</dd>")
    assert figures.findall(same) == figures.findall(before)
    assert len(re.findall('class="eye"', same)) == len(re.findall('class="eye"', before)) == 2


def test_without_the_data_set_or_the_best_model_the_rest_is_reported(finished, tmp_path):
    run = RunDirectory(shutil.copytree(finished, tmp_path / "run"))
    run.best.write_bytes(b"damaged")
    remake_report(run)
    page = run.report.read_text()
    assert "best_model.pth" in page
    assert 'id="curves"' in page
    assert 'id="examples"' not in page


def test_an_empty_directory_is_refused(tmp_path):
    with pytest.raises(RunDirectoryError, match="no record of epochs"):
        remake_report(RunDirectory(tmp_path))
