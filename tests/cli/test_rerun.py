"""`glint-unet rerun`."""

from tests.run_files import rows, same, weights


def test_a_rerun_gives_the_same_weights(finished, command, tmp_path):
    status, out, _ = command("rerun", finished, "--output_dir", tmp_path / "again", "--lang", "en")
    assert status == 0
    assert out.startswith(f"Command: python train_glint_unet.py --config {finished}/training_args.json")
    assert rows(tmp_path / "again") == rows(finished)
    assert same(weights(tmp_path / "again" / "latest_checkpoint.pth"), weights(finished / "latest_checkpoint.pth"))


def test_a_dry_run_only_prints(finished, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, _ = command("rerun", finished, "--dry_run", "--lang", "en")
    assert (status, out.count("\n")) == (0, 1)
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_run_is_refused(command, tmp_path):
    status, out, err = command("rerun", tmp_path, "--lang", "en")
    assert (status, out, err.count("\n")) == (2, "", 1)
