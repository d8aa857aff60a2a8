"""What is recorded of every start."""

import json
import subprocess
from pathlib import Path

import pytest

from glint_unet.compute.group import Group
from glint_unet.runs.provenance import Provenance, current_versions, git_state
from glint_unet.runs.run_directory import RunDirectory


@pytest.fixture
def checkout(tmp_path):
    path = tmp_path / "checkout"
    path.mkdir()
    git(path, "init", "-q", "-b", "work")
    (path / "a file.py").write_text("1\n")
    git(path, "add", ".")
    git(path, "-c", "user.name=n", "-c", "user.email=e", "commit", "-qm", "first")
    return path


def git(path, *words):
    return subprocess.run(["git", "-C", path, *words], check=True, capture_output=True, text=True).stdout.strip()


def test_commit_branch_and_uncommitted_changes_are_recorded(checkout):
    clean = git_state(checkout)
    expected = {"commit": git(checkout, "rev-parse", "HEAD"), "branch": "work", "changed_files": [], "diff_md5": None}
    assert clean == expected
    (checkout / "a file.py").write_text("2\n")
    (checkout / "untracked.txt").write_text("not code of the run")
    one = git_state(checkout)
    (checkout / "a file.py").write_text("3\n")
    other = git_state(checkout)
    assert one is not None
    assert other is not None
    assert one["changed_files"] == ["a file.py"]
    assert len({None, one["diff_md5"], other["diff_md5"]}) == 3


def test_without_a_usable_checkout_there_is_no_git_state(tmp_path, checkout, monkeypatch):
    assert git_state(tmp_path) is None
    (tmp_path / ".git").mkdir()
    assert git_state(tmp_path) is None
    monkeypatch.setenv("PATH", "")
    assert git_state(checkout) is None


def test_every_start_adds_an_entry_and_a_damaged_file_is_replaced(tmp_path):
    run = RunDirectory(tmp_path)
    for epoch in (0, 3):
        Provenance.of_this_process("glint-unet train --h5 'my eyes.h5'", epoch, ["lr"], "cpu", Group(0, 2)).append(run)
    first, second = json.loads(run.provenance.read_text())
    assert (first["epoch"], second["epoch"], second["processes"]) == (0, 3, 2)
    assert first["command"] == "glint-unet train --h5 'my eyes.h5'"
    assert first["versions"] == current_versions()
    assert set(first["versions"]) == {"python", "glint_unet", "torch", "numpy", "h5py", "system"}
    assert Path(first["working_directory"]) == Path.cwd()
    run.provenance.write_text("{")
    Provenance.of_this_process("", 4, [], "cpu", Group()).append(run)
    assert [entry["epoch"] for entry in json.loads(run.provenance.read_text())] == [4]
