"""The command that repeats a run."""

import json
import shutil

import pytest

from glint_unet.errors import ResumeError, RunDirectoryError
from glint_unet.experiments.repetition import repetition_of


@pytest.fixture
def copied(finished, tmp_path):
    run = tmp_path / "run"
    run.mkdir()
    for name in ("training_args.json", "provenance.json", "dataset.json"):
        shutil.copy(finished / name, run)
    return run


def edit(path, change):
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))


def test_the_same_code_and_machine_repeat_without_a_difference(copied):
    repetition = repetition_of(copied, "new")
    assert repetition.words == ["--config", str(copied / "training_args.json"), "--output_dir", "new"]
    assert repetition.differences == []


def test_every_difference_is_said(copied):
    def change(starts):
        starts[-1]["git"] = {"commit": "abc", "diff_md5": None}
        starts[-1]["versions"]["torch"] = "1.0"
        starts[-1]["processes"] = 4
        starts.append(starts[-1] | {"changes": ["lr"]})

    edit(copied / "provenance.json", change)
    lines = "\n".join(repetition_of(copied, None).differences)
    for fragment in ("commit abc ->", "torch 1.0 ->", "4 processes", "changed on a resume"):
        assert fragment in lines
    (copied / "provenance.json").unlink()
    (line,) = repetition_of(copied, None).differences
    assert "earlier version" in line


def test_a_relative_data_set_is_found_from_another_directory(copied, data, tmp_path, monkeypatch):
    edit(copied / "training_args.json", lambda values: values.update(h5=data.name))
    edit(copied / "provenance.json", lambda starts: starts[0].update(working_directory=str(data.parent)))
    monkeypatch.chdir(tmp_path)
    assert ["--h5", str(data)] == repetition_of(copied, None).words[2:]


def test_another_data_set_is_refused(copied):
    edit(copied / "dataset.json", lambda values: values.update(md5="0" * 32))
    with pytest.raises(ResumeError, match="was trained on 000"):
        repetition_of(copied, None)


@pytest.mark.parametrize("content", ["{", '{"lr": "fast"}', "{}"])
def test_a_run_without_usable_settings_is_refused(copied, content):
    (copied / "training_args.json").write_text(content)
    with pytest.raises(RunDirectoryError, match=r"training_args\.json"):
        repetition_of(copied, None)
