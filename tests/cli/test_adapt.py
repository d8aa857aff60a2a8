"""`glint-unet adapt`: what it prints, and what it refuses in one line."""

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def noise(tmp_path):
    folder = tmp_path / "noise"
    folder.mkdir()
    for k in range(8):
        pixels = np.random.default_rng(k).integers(0, 255, (48, 64)).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{k}.png")
    return folder


def test_it_says_what_changed(command, eyes_run, eyes_video, tmp_path):
    words = ["--run", eyes_run, "--images", eyes_video, "--output_dir", tmp_path / "new", "--epochs", 1]
    status, out, err = command("adapt", *words, "--max_images", 12, "--threads", 1, "--no_progress", "--lang", "en")
    assert status == 0
    assert not err
    for said in ("12 frames (0 skipped)", "glints found per frame", "self-agreement", "adapt_report.json"):
        assert said in out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"images": "nowhere"}, "nowhere"),
        ({"run": "no_run"}, "no_run"),
        ({"run": "model.onnx"}, "model.onnx"),
        ({"max_images": 3}, "--max_images 3"),
        ({"lr": 0}, "--lr 0"),
    ],
)
def test_mistakes_are_one_line_and_leave_nothing_behind(command, eyes_run, noise, tmp_path, monkeypatch, changes, said):
    monkeypatch.chdir(tmp_path)
    values = {"run": eyes_run, "images": noise, "output_dir": "new"} | changes
    words = [word for name, value in values.items() for word in (f"--{name}", value)]
    status, _, err = command("adapt", *words, "--lang", "en")
    assert status == 2
    assert said in err
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_images_without_certain_glints_are_refused_and_leave_nothing_behind(command, eyes_run, noise, tmp_path):
    words = ["--run", eyes_run, "--images", noise, "--output_dir", tmp_path / "new", "--no_progress"]
    status, _, err = command("adapt", *words, "--lang", "en")
    assert status == 2
    assert "of 8 frames have enough certain glints" in err
    assert err.count("\n") == 1
    assert not (tmp_path / "new").exists()


def test_images_that_all_are_broken_are_refused(command, eyes_run, tmp_path):
    (tmp_path / "a.png").write_bytes(b"no image")
    words = ["--run", eyes_run, "--images", tmp_path, "--output_dir", tmp_path / "new", "--no_progress"]
    status, _, err = command("adapt", *words, "--lang", "en")
    assert status == 2
    assert "a.png" in err


def test_the_directory_of_another_run_is_refused(command, eyes_run, noise):
    status, _, err = command("adapt", "--run", eyes_run, "--images", noise, "--output_dir", eyes_run, "--lang", "en")
    assert status == 2
    assert str(eyes_run) in err
