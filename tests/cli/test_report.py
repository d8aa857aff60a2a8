"""`glint-unet report`."""

import shutil


def test_the_report_of_each_run_is_written_in_the_language_asked_for(command, finished, tmp_path):
    runs = [shutil.copytree(finished, tmp_path / name) for name in ("a", "b")]
    status, out, err = command("report", runs[0], "--lang", "zh")
    assert (status, err) == (0, "")
    assert str(runs[0] / "report.html") in out
    assert '<html lang="zh-CN">' in (runs[0] / "report.html").read_text()


def test_what_is_not_a_run_is_refused_in_one_line(command, tmp_path):
    status, out, err = command("report", tmp_path, "--lang", "en")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "has no record of epochs" in err
