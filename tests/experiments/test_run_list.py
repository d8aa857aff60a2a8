"""Finding the runs below a directory."""

import json
import shutil

import pytest

from glint_unet.errors import RunDirectoryError
from glint_unet.experiments.run_list import as_record, list_runs


def make(path, started="2026-11-01 10:00:00", **status):
    path.mkdir(parents=True)
    (path / "training_args.json").write_text('{"h5": "eyes.h5", "epochs": 3}')
    (path / "provenance.json").write_text(json.dumps([{"time": started}]))
    values = {"state": "interrupted", "epoch": 1, "epochs": 3, "best": {"epoch": 1, "total": 0.5, "f1": 0.25}}
    (path / "status.json").write_text(json.dumps(values | status))
    return path


def test_runs_are_found_at_any_of_four_levels_newest_first(tmp_path):
    make(tmp_path / "old", "2026-11-01 10:00:00")
    make(tmp_path / "sweep" / "trials" / "a" / "new", "2026-11-02 10:00:00")
    make(tmp_path / "1" / "2" / "3" / "4" / "too_deep")
    make(tmp_path / ".hidden" / "run")
    make(tmp_path / "old" / "superseded" / "run")
    (tmp_path / "link").symlink_to(tmp_path / "old")
    (tmp_path / "a file").touch()
    (tmp_path / "not a run").mkdir()
    assert [str(run.path.relative_to(tmp_path)) for run in list_runs(tmp_path)] == ["sweep/trials/a/new", "old"]
    assert [run.path for run in list_runs(tmp_path / "old")] == [tmp_path / "old"]


def test_a_directory_that_is_missing_is_refused(tmp_path):
    with pytest.raises(RunDirectoryError, match="No such directory"):
        list_runs(tmp_path / "none")


def test_the_record_has_the_resume_command_only_where_there_is_something_to_resume(finished, tmp_path):
    run = make(tmp_path / "run")
    assert as_record(list_runs(run)[0])["resume"] is None
    shutil.copy(finished / "latest_checkpoint.pth", run)
    record = as_record(list_runs(run)[0])
    assert record["resume"] == f"python train_glint_unet.py --resume {run}"
    assert (record["state"], record["best_epoch"], record["best_f1"]) == ("interrupted", 1, 0.25)
    assert record["started"] == "2026-11-01 10:00:00"
