"""`glint-unet report`."""

import shutil


def test_the_report_of_each_run_is_written_in_the_language_asked_for(command, finished, tmp_path):
    runs = [shutil.copytree(finished, tmp_path / name) for name in ("a", "b")]
    status, out, err = command("report", runs[0], "--lang", "zh")
    assert (status, err) == (0, "")
    assert str(runs[0] / "report.html") in out
    assert '<html lang="zh-CN">' in (runs[0] / "report.html").read_text()


def test_several_runs_are_compared_in_a_page_that_replaces_none(command, finished, tmp_path):
    out_file = tmp_path / "c.html"
    words = ("report", finished, finished, "--out", out_file, "--lang", "en")
    status, out, err = command(*words)
    assert (status, out, err) == (0, f"Report: {out_file}\n", "")
    assert "Comparison of runs" in out_file.read_text()
    status, _, err = command(*words)
    assert (status, err.count("\n")) == (2, 1)
    assert command(*words, "--overwrite")[0] == 0
    status, _, err = command("report", finished, tmp_path, "--out", out_file, "--overwrite", "--lang", "en")
    assert (status, err.count("\n")) == (2, 1)
    assert command("report", "--lang", "en")[0] == 2


def test_what_is_not_a_run_is_refused_in_one_line(command, tmp_path):
    status, out, err = command("report", tmp_path, "--lang", "en")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "has no record of epochs" in err
