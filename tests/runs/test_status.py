"""status.json, written and read back."""

import json
import os
import socket

import pytest

from glint_unet.runs.run_directory import RunDirectory
from glint_unet.runs.status import RunStatus


def test_a_status_is_read_back_with_its_process(tmp_path):
    run = RunDirectory(tmp_path)
    best = {"epoch": 2.0, "total": 0.5, "f1": None}
    RunStatus("running", 2, 5, 3, 10, best, 61.5).write(run)
    read = RunStatus.read(run)
    assert read is not None
    assert (read.state, read.epoch, read.epochs, read.step, read.steps) == ("running", 2, 5, 3, 10)
    assert (read.best, read.remaining_s) == (best, 61.5)
    assert (read.pid, read.host) == (os.getpid(), socket.gethostname())
    assert read.updated == pytest.approx(run.status.stat().st_mtime, abs=5)


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"state": "dancing"}', '{"state": ["running"]}'])
def test_a_damaged_status_is_none(tmp_path, content):
    (tmp_path / "status.json").write_text(content)
    assert RunStatus.read(RunDirectory(tmp_path)) is None


def test_values_of_wrong_types_are_unknown(tmp_path):
    values = {"state": "failed", "epoch": "x", "epochs": -1, "best": [1], "remaining_s": "soon", "reason": 3, "host": 1}
    (tmp_path / "status.json").write_text(json.dumps(values))
    assert RunStatus.read(RunDirectory(tmp_path)) == RunStatus("failed", 0, 0, best={})
