from pathlib import Path

import pytest

from glint_unet.errors import RunDirectoryError
from glint_unet.runs.run_directory import RunDirectory, new_run_directory, run_directory_of


def test_two_runs_of_one_second_get_two_directories(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("time.strftime", lambda form: "train_20251106_143022")
    names = [new_run_directory(None).path.name for _ in range(3)]
    assert names == ["train_20251106_143022", "train_20251106_143022_2", "train_20251106_143022_3"]


def test_a_directory_with_a_run_in_it_is_refused(tmp_path):
    (tmp_path / "notes.txt").touch()
    assert new_run_directory(str(tmp_path)).path == tmp_path
    (tmp_path / "best_model.pth").touch()
    with pytest.raises(RunDirectoryError, match="--resume auto"):
        new_run_directory(str(tmp_path))


def test_what_a_killed_writer_left_is_swept_under_the_lock(tmp_path):
    run = RunDirectory(tmp_path)
    run.checkpoints.mkdir()
    leftovers = [tmp_path / ".latest_checkpoint.pth.9.tmp", run.checkpoints / ".checkpoint_epoch_001.pth.9.tmp"]
    for path in leftovers:
        path.touch()
    with run.locked():
        assert not any(path.exists() for path in leftovers)
        run.log.touch()


def test_a_second_writer_is_refused_and_learns_who_the_first_is(tmp_path):
    import os

    run = RunDirectory(tmp_path)
    with run.locked(), pytest.raises(RunDirectoryError, match=f"process {os.getpid()} on"), run.locked():
        pass
    with run.locked():
        pass


def test_a_run_refused_before_it_began_leaves_no_directory(tmp_path):
    run = RunDirectory(tmp_path / "run")
    with run.locked():
        assert run.path.exists()
    assert not run.path.exists()
    run.path.mkdir()
    (run.path / "notes.txt").touch()
    with run.locked():
        pass
    assert sorted(path.name for path in run.path.iterdir()) == [".run.lock", "notes.txt"]


def test_a_place_that_cannot_be_a_directory_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RunDirectoryError, match="cannot be written"), RunDirectory(tmp_path / "file").locked():
        pass


def test_superseded_history_is_moved_aside_and_the_best_stays(tmp_path):
    run = RunDirectory(tmp_path)
    run.checkpoints.mkdir()
    for path in (run.latest, run.metrics, run.best, run.numbered(5), run.numbered(10)):
        path.write_text(path.name)
    for name in ("after_epoch_005", "after_epoch_005_2"):
        aside = run.set_aside_after(5)
        assert aside.name == name
        if name == "after_epoch_005":
            found = sorted(path.name for path in aside.iterdir())
            assert found == ["checkpoint_epoch_010.pth", "latest_checkpoint.pth", "metrics.json"]
    assert run.best.exists()
    assert run.numbered_checkpoints() == [(5, run.numbered(5))]


def test_a_checkpoint_knows_its_run(tmp_path):
    run = RunDirectory(tmp_path)
    assert run_directory_of(run.latest).path == tmp_path
    assert run_directory_of(run.numbered(3)).path == tmp_path


def test_a_checkpoint_named_from_inside_its_directory_knows_its_run(tmp_path, monkeypatch):
    run = RunDirectory(tmp_path / "run")
    run.checkpoints.mkdir(parents=True)
    monkeypatch.chdir(run.checkpoints)
    for name in ("checkpoint_epoch_003.pth", "./checkpoint_epoch_003.pth", "../checkpoints/checkpoint_epoch_003.pth"):
        assert run_directory_of(Path(name)).path.resolve() == run.path
    monkeypatch.chdir(run.path)
    assert run_directory_of(Path("latest_checkpoint.pth")).path.resolve() == run.path
    assert run_directory_of(Path("checkpoints/checkpoint_epoch_003.pth")).path.resolve() == run.path


def test_a_run_directory_may_itself_be_called_checkpoints(tmp_path):
    run = RunDirectory(tmp_path / "checkpoints")
    for path in (run.latest, run.best, run.numbered(3)):
        assert run_directory_of(path).path == run.path
