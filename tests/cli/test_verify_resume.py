"""What `glint-unet verify-resume` refuses; that it proves resuming is in tests/system/test_nothing_is_lost.py."""

import pytest


@pytest.mark.parametrize("flag", ["--epochs=3", "--output_dir", "--output-dir=x", "--resume"])
def test_flags_that_it_sets_itself_are_refused(command, data, tmp_path, flag):
    status, _, err = command("verify-resume", "--h5", data, "--lang", "en", "--work_dir", tmp_path / "w", "--", flag)
    assert status == 2
    assert flag in err
    assert not (tmp_path / "w").exists()


def test_a_data_set_is_required(command):
    status, _, err = command("verify-resume", "--lang", "en")
    assert status == 2
    assert "--h5" in err


def test_a_directory_that_holds_something_is_refused_and_kept(command, data, tmp_path):
    (tmp_path / "kept").write_text("of the user")
    status, _, err = command("verify-resume", "--h5", data, "--work_dir", tmp_path, "--lang", "en")
    assert status == 2
    assert str(tmp_path) in err
    assert [path.name for path in tmp_path.iterdir()] == ["kept"]


@pytest.mark.parametrize("h5", ["none.h5", "broken.h5", "synth:none.toml"])
def test_a_data_set_that_cannot_be_used_is_refused_before_anything_is_made(command, tmp_path, h5):
    (tmp_path / "broken.h5").write_text("no data set")
    place = h5 if h5.startswith("synth:") else tmp_path / h5
    status, _, err = command("verify-resume", "--h5", place, "--work_dir", tmp_path / "w", "--lang", "en")
    assert (status, err.count("\n")) == (2, 1), err
    assert h5.removeprefix("synth:") in err
    assert not (tmp_path / "w").exists()
