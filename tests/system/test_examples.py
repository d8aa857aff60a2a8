"""The examples, run as a user runs them."""

import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from glint_unet.inference.predictor import GlintDetector

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
