"""The examples, run as a user runs them."""

import json
import os
import re
import shutil
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


@pytest.mark.slow
@pytest.mark.parametrize("name", ["detect", "train", "calibration"])
def test_a_notebook_runs_from_top_to_bottom(name, tmp_path):
    """In an empty directory; the last cells assert what the text promises."""
    nbclient, nbformat = pytest.importorskip("nbclient"), pytest.importorskip("nbformat")
    notebook = nbformat.read(ROOT / "examples" / "notebooks" / f"{name}.ipynb", as_version=4)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    nbclient.NotebookClient(notebook, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert all(cell.execution_count for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.slow
def test_the_gaze_follows_from_the_glints_alone(tmp_path):
    words = [sys.executable, ROOT / "examples" / "gaze_shift.py", "--frames", "150", "--fps", "10"]
    ended = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True, cwd=tmp_path)
    found, total = map(int, re.findall(r"frames with glints: (\d+) of (\d+)", ended.stdout)[0])
    (error,) = re.findall(r"error of the gaze: median (\S+),", ended.stdout)
    (spread,) = re.findall(r"from its mean: median (\S+) degrees", ended.stdout)
    assert found > 0.7 * total
    assert float(error) < float(spread) / 4


@pytest.mark.slow
def test_the_slurm_job_trains_and_the_next_one_resumes(data, tmp_path):
    """Without Slurm, as a plain script; the program is the one of this checkout."""
    program = tmp_path / "bin" / "glint-unet"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m glint_unet "$@"\n')
    program.chmod(0o755)
    environment = os.environ | {"PATH": f"{program.parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    small = ["--epochs", "1", "--base_channels", "4"], ["--epochs", "2"]
    for flags in small:
        words = ["bash", ROOT / "examples" / "slurm_job.sh", data, tmp_path / "run", *flags]
        subprocess.run(list(map(str, words)), check=True, env=environment, cwd=tmp_path)
    rows = json.loads((tmp_path / "run" / "metrics.json").read_text())
    assert [row["epoch"] for row in rows] == [1, 2]


def test_the_slurm_job_without_arguments_says_how_it_is_used(tmp_path):
    script = ROOT / "examples" / "slurm_job.sh"
    ended = subprocess.run(["bash", str(script)], check=False, capture_output=True, text=True, cwd=tmp_path)
    assert ended.returncode == 2
    assert ended.stderr.startswith("usage: sbatch examples/slurm_job.sh DATA.h5 RUN_DIRECTORY")


HEADER = "onnxruntime_cxx_api.h"


@pytest.mark.slow
def test_the_cpp_example_finds_what_the_detector_finds(eyes_onnx, eyes_run, eyes_frames, tmp_path):
    places = [Path("/opt/onnxruntime"), Path("/usr/local"), Path("/usr")]
    root = next((place for place in places if list((place / "include").rglob(HEADER))), None)
    if root is None or shutil.which("cmake") is None:
        pytest.skip(f"{HEADER} or cmake is not here: the C++ example is neither compiled nor run")
    subprocess.run(
        ["cmake", "-S", ROOT / "examples/cpp", "-B", tmp_path / "build", f"-DONNXRUNTIME_ROOT={root}"], check=True
    )
    subprocess.run(["cmake", "--build", tmp_path / "build"], check=True)
    Image.fromarray(eyes_frames[0]).save(tmp_path / "eye.pgm")
    words = [tmp_path / "build" / "run_onnx", eyes_onnx, tmp_path / "eye.pgm"]
    ended = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True)
    glints = GlintDetector.load(eyes_run)(eyes_frames[0])
    for channel, line in enumerate(ended.stdout.splitlines()):
        if glints.present[0, channel]:
            x, y = (float(word) for word in line.split()[1:3])
            assert [x, y] == pytest.approx(glints.points[0, channel].tolist(), abs=0.02)
        else:
            assert "absent" in line
