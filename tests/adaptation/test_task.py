"""What a continuation may change, and where files lie."""

import dataclasses
from pathlib import Path

from glint_unet.adaptation.task import Adaptation

TASK = Adaptation(Path("run"), "images", Path("new"))


def test_only_what_changes_the_result_belongs_to_the_identity():
    assert dataclasses.replace(TASK, threads=3, device="cpu", lang="en", progress=False).identity == TASK.identity
    for change in ({"epochs": 3}, {"lr": 0.1}, {"seed": 4}, {"max_images": 11}, {"images": "others"}):
        assert dataclasses.replace(TASK, **change).identity != TASK.identity


def test_a_run_is_the_same_by_whatever_path(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dataclasses.replace(TASK, run=tmp_path / "run").identity == TASK.identity


def test_every_file_lies_in_the_new_run_directory():
    files = (TASK.settings_file, TASK.counts, TASK.dataset, TASK.rejected, TASK.report, TASK.picture, TASK.new.best)
    assert {path.parent for path in files} == {Path("new")}
    assert len(set(files)) == len(files)
