"""The list of runs: what is read again, and when."""

import json
import shutil

from glint_unet.experiments.run_info import read_run
from glint_unet.page import runs_index
from glint_unet.page.runs_index import RunsIndex


def test_only_what_changed_is_read_again(eyes_run, tmp_path, monkeypatch):
    for name in ("one", "deep/two"):
        shutil.copytree(eyes_run, tmp_path / name)
    read = []
    monkeypatch.setattr(runs_index, "read_run", lambda path, real=read_run: read.append(path) or real(path))
    index = RunsIndex(tmp_path)
    assert sorted(row.name for row in index.rows()) == ["deep/two", "one"]
    assert len(read) == 2
    assert index.rows()[0].record()["images_per_s"] > 0
    assert len(read) == 2
    status = tmp_path / "one" / "status.json"
    status.write_text(json.dumps({**json.loads(status.read_text()), "state": "failed", "reason": "no memory left"}))
    assert {row.name: row.info.state for row in index.rows()}["one"] == "failed"
    assert read[2:] == [tmp_path / "one"]
    shutil.rmtree(tmp_path / "deep")
    assert [row.name for row in index.rows()] == ["one"]


def test_a_missing_directory_has_no_runs_and_a_damaged_one_is_shown(tmp_path):
    assert RunsIndex(tmp_path / "none").rows() == []
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "status.json").write_bytes(b"\xff{")
    (row,) = RunsIndex(tmp_path).rows()
    assert (row.info.state, row.images_per_s) == ("damaged", None)
