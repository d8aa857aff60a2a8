"""Which checkpoint a resume uses."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from glint_unet.config import TrainConfig
from glint_unet.errors import (
    CheckpointError,
    ResumeError,
)
from glint_unet.runs.checkpoint_file import read_checkpoint, write_checkpoint
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.training.loop import train
from tests.run_files import contents, resumed, rows, settings


@pytest.mark.parametrize("scaler", [{"scale": 1.0}, {"scale": "large"}, 7])
def test_a_checkpoint_with_a_scale_that_is_none_is_refused(finished, tmp_path, scaler):
    path = tmp_path / "hostile.pth"
    write_checkpoint(path, {**read_checkpoint(finished / "latest_checkpoint.pth"), "scaler": scaler})
    with pytest.raises(CheckpointError, match="damaged"):
        find_resume_point(str(path), None)


def test_a_damaged_latest_falls_back_only_where_the_user_named_no_file(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=3))
    whole = rows(run)
    (run / "latest_checkpoint.pth").write_bytes((run / "latest_checkpoint.pth").read_bytes()[:-50])
    before = contents(run)
    with pytest.raises(CheckpointError, match="damaged"):
        find_resume_point(str(run / "latest_checkpoint.pth"), None)
    assert contents(run) == before
    point = find_resume_point("auto", str(run))
    assert point.path.name == "checkpoint_epoch_003.pth"
    train(TrainConfig(**{**point.config.to_dict(), "resume": "auto", "epochs": 3}))
    assert rows(run) == whole
    assert "skipped a damaged checkpoint" in (run / "training.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("resume", ["auto", "RUN", "none.pth"])
def test_a_resume_that_finds_nothing_never_starts_from_scratch(data, tmp_path, resume):
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(ResumeError, match="no checkpoint to resume"):
        train(settings(data, run, resume=str(run) if resume == "RUN" else resume))
    assert list(run.iterdir()) == []


@pytest.mark.parametrize("dropped", ["split", "dataset", "best", "history", "steps"])
def test_a_checkpoint_without_a_part_of_the_state_is_refused(four_epochs, data, tmp_path, dropped):
    content = read_checkpoint(four_epochs / "latest_checkpoint.pth")
    del content[dropped]
    write_checkpoint(tmp_path / "part.pth", content)
    with pytest.raises(CheckpointError, match=dropped):
        train(dataclasses.replace(settings(data, tmp_path / "run"), resume=str(tmp_path / "part.pth")))


def test_a_resume_inside_the_directory_of_numbered_checkpoints_goes_on_with_the_run(four_epochs, tmp_path, monkeypatch):
    run = tmp_path / "run"
    shutil.copytree(four_epochs, run)
    monkeypatch.chdir(run / "checkpoints")
    train(resumed(Path("checkpoint_epoch_002.pth"), epochs=3))
    assert sorted(path.suffix for path in (run / "checkpoints").iterdir()) == [".pth"] * 3
    assert [row["epoch"] for row in rows(run)] == [1, 2, 3]
