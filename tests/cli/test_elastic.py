"""Recognising restarts by the launcher; several real nodes: tests/system/test_several_nodes.py."""

import json
import shutil

import pytest

from glint_unet.cli.elastic import is_launched, joined_group, resumed_if_restarted
from glint_unet.compute.group import Group
from glint_unet.errors import SettingError


@pytest.fixture
def begun(finished, tmp_path):
    """A run directory with a checkpoint, written by the job `eyes`."""
    run = tmp_path / "run"
    run.mkdir()
    shutil.copy(finished / "latest_checkpoint.pth", run)
    (run / "provenance.json").write_text(json.dumps([{"launch_id": "eyes"}]))
    return run


def test_a_first_start_is_left_as_it_is(begun, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")
    for group in (Group(), Group(launch_id="another")):
        words = ["--output_dir", str(begun)]
        assert resumed_if_restarted(words, group) == words
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "2")
    words = ["--output_dir", str(tmp_path / "none")]  # killed before there was a checkpoint
    assert resumed_if_restarted(words, Group(launch_id="eyes")) == words


@pytest.mark.parametrize(("count", "launch_id"), [("1", ""), ("0", "eyes"), ("1", "eyes")])
def test_a_restart_resumes_the_newest_checkpoint(begun, monkeypatch, count, launch_id):
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", count)
    words = ["--output_dir", str(begun), "--resume", "old.pth"]
    assert resumed_if_restarted(words, Group(launch_id=launch_id)) == [*words, "--resume", "auto"]


def test_restarts_need_an_output_dir(monkeypatch):
    monkeypatch.setenv("TORCHELASTIC_MAX_RESTARTS", "3")
    with pytest.raises(SettingError, match="--output_dir"):
        resumed_if_restarted(["--h5", "eyes.h5"], Group())
    assert resumed_if_restarted(["--resume", "run"], Group()) == ["--resume", "run"]


def test_without_a_launcher_there_is_no_group(monkeypatch):
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR"):
        monkeypatch.delenv(name, raising=False)
    assert not is_launched()
    with pytest.raises(KeyError):
        joined_group()
