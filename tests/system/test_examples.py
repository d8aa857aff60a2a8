"""The examples, run as a user runs them."""

import subprocess
import sys
from pathlib import Path

import cv2
import pytest
from PIL import Image

from glint_unet.inference.onnx_file import export_onnx
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import load_model

ROOT = Path(__file__).resolve().parent.parent.parent


def test_the_example_runs_the_file_with_onnxruntime_and_numpy_alone(eyes_onnx, eyes_run, eyes_frames, tmp_path):
    Image.fromarray(eyes_frames[0]).save(tmp_path / "eye.png")
    words = [sys.executable, ROOT / "examples" / "run_onnx.py", eyes_onnx, tmp_path / "eye.png"]
    ended = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True, cwd=tmp_path)
    glints = GlintDetector.load(eyes_run)(eyes_frames[0])
    lines = ended.stdout.splitlines()
    assert len(lines) == 2
    for channel, line in enumerate(lines):
        if glints.present[0, channel]:
            x, y = (float(word) for word in line.split()[1:3])
            assert [x, y] == pytest.approx(glints.points[0, channel].tolist(), abs=0.02)
        else:
            assert "absent" in line


def run_example(*words, cwd):
    line = [sys.executable, str(ROOT / "examples" / "run_onnx.py"), *map(str, words)]
    return subprocess.run(line, check=False, capture_output=True, text=True, cwd=cwd)


@pytest.mark.parametrize("stretch", [False, True])
def test_the_example_places_images_of_another_aspect_as_the_model_was_trained(eyes_run, eyes_frames, tmp_path, stretch):
    model = tmp_path / "model.onnx"
    export_onnx(load_model(eyes_run)._replace(stretch=stretch, threshold=0.1), model)
    image = cv2.resize(eyes_frames[0], (130, 60))
    Image.fromarray(image).save(tmp_path / "eye.png")
    ended = run_example(model, tmp_path / "eye.png", cwd=tmp_path)
    assert ended.returncode == 0, ended.stderr
    glints, num_present = GlintDetector.load(model)(image), 0
    for channel, line in enumerate(ended.stdout.splitlines()):
        if glints.present[0, channel]:
            x, y, sigma = (float(word.lstrip("+-")) for word in line.split()[1:4])
            assert [x, y] == pytest.approx(glints.points[0, channel].tolist(), abs=0.002)
            assert sigma == pytest.approx(glints.sigmas[0, channel], abs=0.002)
            num_present += 1
        else:
            assert "absent" in line
    assert num_present > 0


def test_the_example_without_arguments_says_how_it_is_used(tmp_path):
    for words in [(), ("model.onnx",)]:
        ended = run_example(*words, cwd=tmp_path)
        assert ended.returncode != 0
        assert (ended.stdout + ended.stderr).splitlines() == ["usage: python examples/run_onnx.py model.onnx eye.png"]
