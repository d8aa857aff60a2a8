"""The pretrained weights of the package: whole, small, free of paths, and able to find glints."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.errors import CheckpointError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.unnamed import in_order_of_truth
from glint_unet.pretrained import CARD, MANIFEST, NAME, WEIGHTS, model_path, pretrained_path, read_manifest, sha256_of

ROOT = Path(__file__).resolve().parent.parent


def test_every_file_has_the_hash_of_the_manifest_and_all_are_below_3_mb():
    files = {path.name: path for path in WEIGHTS.iterdir() if path.name != MANIFEST}
    assert {name: sha256_of(path) for name, path in files.items()} == read_manifest()
    assert {f"{NAME}.safetensors", f"{NAME}.onnx", CARD, "rig.toml", "training.toml"} == files.keys()
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 3_000_000


@pytest.mark.parametrize("name", [f"{NAME}.safetensors", f"{NAME}.onnx", CARD])
def test_the_files_hold_no_path_of_the_machine_that_made_them(name):
    content = (WEIGHTS / name).read_bytes()
    assert not [place for place in (b"/home/", b"/tmp/", b"/work/", b"/root/", b"site-packages") if place in content]


def test_only_the_bare_word_means_the_pretrained_weights():
    assert model_path("pretrained") == pretrained_path()
    assert model_path("./pretrained") == model_path(Path("pretrained")) == Path("pretrained")


@pytest.mark.parametrize("damage", ["flipped", "missing", "no manifest", "text as manifest"])
def test_damaged_weights_are_refused(tmp_path, damage):
    shutil.copytree(WEIGHTS, tmp_path / "weights")
    path = tmp_path / "weights" / f"{NAME}.safetensors"
    assert pretrained_path(tmp_path / "weights") == path
    if damage == "flipped":
        content = bytearray(path.read_bytes())
        content[-1] ^= 1
        path.write_bytes(content)
    elif damage == "missing":
        path.unlink()
    elif damage == "no manifest":
        (tmp_path / "weights" / MANIFEST).unlink()
    else:
        (tmp_path / "weights" / MANIFEST).write_text("nothing")
    with pytest.raises(CheckpointError, match="missing or damaged"):
        pretrained_path(tmp_path / "weights")


@pytest.mark.parametrize("num_leds", [2, 6])
def test_glints_of_any_rig_are_found_without_a_rig_file(num_leds):
    rig = Rig.ring(num_leds, image_size=(128, 128), level="easy")
    images, truth = render_eyes(rig, 31, range(30))
    detector = GlintDetector.load()
    assert not detector.names_leds
    assert detector.labels()[:2] == ["glint1", "glint2"]
    glints = detector.for_leds(num_leds)(images)
    points, present = in_order_of_truth(truth, glints.points, glints.present)
    right = present & (np.nan_to_num(np.linalg.norm(points - truth, axis=-1), nan=9) < 2)
    f1 = 2 * right.sum() / (present.sum() + np.isfinite(truth[..., 0]).sum())
    assert f1 > 0.8


def test_a_rig_file_names_the_glints(tmp_path):
    (tmp_path / "rig.toml").write_text("[leds]\nnumber = 6\nsize = [0.3, 0.5]\n")
    images, truth = render_eyes(Rig.ring(6, image_size=(128, 128), level="easy"), 32, range(30))
    detector = GlintDetector.load(rig=tmp_path / "rig.toml")
    assert detector.labels() == ["g1", "g2", "g3", "g4", "g5", "g6"]
    glints = detector(images)
    distance = np.linalg.norm(glints.points - truth, axis=-1)
    right = np.nan_to_num(distance, nan=9) < 2
    assert 2 * right.sum() / (glints.present.sum() + np.isfinite(truth[..., 0]).sum()) > 0.8


def test_the_onnx_file_is_the_same_network():
    images, _ = render_eyes(Rig.ring(6, image_size=(128, 128), level="easy"), 33, range(4))
    ours, theirs = (GlintDetector.load(run)(images) for run in ("pretrained", WEIGHTS / f"{NAME}.onnx"))
    assert (ours.present == theirs.present).all()
    assert ours.present.sum() > 8
    assert np.abs(ours.points - theirs.points)[ours.present].max() < 0.01


@pytest.mark.slow
def test_a_wheel_holds_the_weights_and_runs_from_an_empty_folder(tmp_path):
    words = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*words, "--wheel-dir", tmp_path, ROOT], check=True, cwd=tmp_path)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        for path in WEIGHTS.iterdir():
            assert archive.read(f"glint_unet/weights/{path.name}") == path.read_bytes()
    installed, empty = tmp_path / "installed", tmp_path / "empty"
    words = [sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", str(installed), str(wheel)]
    subprocess.run(words, check=True)
    empty.mkdir()
    environment = os.environ | {"PYTHONPATH": str(installed)}
    programs = [
        ["-c", "import glint_unet; print(glint_unet.__file__)"],
        ["-m", "glint_unet", "synth", "eyes.h5", "--num", "8", "--size", "32", "--heatmap_size", "16"],
        [
            "-m",
            "glint_unet",
            "train",
            "--h5",
            "eyes.h5",
            "--output_dir",
            "run",
            "--epochs",
            "1",
            "--base_channels",
            "2",
        ],
        ["-m", "glint_unet", "predict", "--input", "eyes.h5", "--out", "eyes.csv"],
    ]
    outputs = [
        subprocess.run([sys.executable, *words], check=True, cwd=empty, env=environment, capture_output=True, text=True)
        for words in programs
    ]
    assert Path(outputs[0].stdout.strip()).is_relative_to(installed)
    assert {path.name for path in empty.iterdir()} == {"eyes.h5", "run", "eyes.csv"}
