"""`glint-unet rig` from images, videos and data sets to a rig file that the other commands take."""

import csv
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig

SIX = Rig.ring(6, image_size=(128, 128), level="easy")


@pytest.fixture(scope="module")
def eyes() -> Any:
    """(24, 128, 128) uint8: eyes of a rig of 6 LEDs."""
    return render_eyes(SIX, 2, range(24))[0]


def test_images_give_a_rig_file_that_predict_and_synth_take(eyes, command, tmp_path):
    folder, out = tmp_path / "eyes", tmp_path / "rig.toml"
    folder.mkdir()
    for k, image in enumerate(eyes):
        Image.fromarray(image).save(folder / f"{k:02d}.png")
    words = ["rig", "--images", folder, "--out", out, "--lang", "en"]
    status, printed, _ = command(*words)
    assert status == 0, printed
    assert "6 LEDs in a ring" in printed
    rig = Rig.read(out)
    assert np.abs(rig.positions() - SIX.positions()).max() < 0.15
    assert (tmp_path / "rig.png").stat().st_size > 10_000
    assert command("predict", "--input", folder, "--out", tmp_path / "a.csv", "--rig", out)[0] == 0
    with (tmp_path / "a.csv").open() as file:
        assert {row["led"] for row in csv.DictReader(file)} == {f"g{k}" for k in range(1, 7)}
    assert command("synth", tmp_path / "b.h5", "--num", 2, "--rig", out)[0] == 0
    status, _, err = command(*words)
    assert status == 2
    assert "--overwrite" in err


def test_a_broken_frame_is_counted_and_few_images_are_refused(eyes, command, tmp_path):
    for k, image in enumerate(eyes[:5]):
        Image.fromarray(image).save(tmp_path / f"{k:02d}.png")
    (tmp_path / "broken.png").write_bytes(b"no image")
    words = ["rig", "--images", tmp_path, "--out", tmp_path / "rig.toml", "--lang", "en"]
    status, out, err = command(*words)
    assert status == 2
    assert "1 frames cannot be read" in out + err
    assert "only 5 images show glints" in err
    assert not (tmp_path / "rig.toml").exists()
    assert not (tmp_path / "rig.png").exists()


def test_a_dark_video_and_an_output_that_is_no_rig_file_are_refused(command, tmp_path):
    video = tmp_path / "dark.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for _ in range(12):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    words = ["rig", "--images", video, "--lang", "en", "--out"]
    status, _, err = command(*words, tmp_path / "rig.toml")
    assert status == 2
    assert "only 0 images show glints" in err
    status, _, err = command(*words, tmp_path / "rig.png")
    assert status == 2
    assert ".toml" in err


def test_data_sets_are_read_and_models_of_few_leds_refused(eyes_run, eyes_h5, command, tmp_path):
    status, _, err = command(
        "rig", "--run", eyes_run, "--images", eyes_h5, "--out", tmp_path / "rig.toml", "--lang", "en"
    )
    assert status == 2
    assert "--class_free" in err
