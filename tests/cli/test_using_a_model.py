"""evaluate, predict, live and export on a small trained run: real files, real videos, a real Ctrl-C."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import onnxruntime
import pytest
import safetensors.torch
import torch
from PIL import Image

from glint_unet.config import TrainConfig
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.inference.predictor import GlintDetector
from glint_unet.training.loop import train

ROOT = Path(__file__).resolve().parent.parent.parent
RIG = Rig.ring(2, image_size=(48, 64), stride=2, level="easy")
EN = ("--lang", "en")


@pytest.fixture(scope="module")
def h5(tmp_path_factory):
    path = tmp_path_factory.mktemp("model") / "eyes.h5"
    list(write_synthetic(path, RIG, num=60, seed=1))
    return path


@pytest.fixture(scope="module")
def run(h5):
    path = h5.parent / "run"
    small: dict[str, Any] = {
        "base_channels": 4,
        "epochs": 14,
        "progress": False,
        "lang": "en",
        "device": "cpu",
        "warmup_steps": 5,
    }
    train(TrainConfig(h5=str(h5), output_dir=str(path), **small))
    return path


@pytest.fixture(scope="module")
def frames():
    return render_eyes(RIG, 2, range(40))[0]


@pytest.fixture(scope="module")
def video(frames, tmp_path_factory):
    path = tmp_path_factory.mktemp("video") / "eye.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


# --- evaluate ---


def test_evaluate_says_what_validation_said(command, run, h5, tmp_path):
    status, out, err = command("evaluate", "--run", run, "--h5", h5, "--json", tmp_path / "e.json", *EN)
    assert status == 0, err
    figures = json.loads((tmp_path / "e.json").read_text())
    best = torch.load(run / "best_model.pth")
    val = best["metrics"]["val"]
    assert figures["num_images"] == 6
    assert figures["threshold"] == val["threshold"]
    assert figures["figures"]["calibration"] == pytest.approx(val["calibration"], abs=1e-5)
    assert figures["figures"]["f1"] >= val["f1"] - 1e-9  # the threshold was chosen for it
    assert [led["label"] for led in figures["leds"]] == ["g1", "g2"]
    assert sum(led["num_present"] for led in figures["leds"]) == sum(map(sum, figures["confusion"]))
    assert "LED  there  found" in out
    assert f"F1 {figures['figures']['f1']:.3f}" in out
    picture = run / "evaluation_worst.png"
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 300
    status, out, _ = command("evaluate", "--run", run, "--h5", h5, "--split", "all", "--worst", 0, *EN)
    assert status == 0
    assert "60 images" in out


def test_evaluate_refuses_what_it_cannot_judge(command, run, h5, data, tmp_path):
    cases = {
        ("--h5", data): "has no validation split; add --split all",
        ("--h5", data, "--split", "all"): "has 3 LEDs, the model 2",
        ("--h5", tmp_path / "none.h5"): "none.h5",
        ("--h5", "synth:rig.toml"): "no data set file",
        ("--h5", h5, "--json", tmp_path / "no" / "e.json"): "No such directory",
    }
    for words, said in cases.items():
        status, _, err = command("evaluate", "--run", run, *words, *EN)
        assert (status, err.count("\n")) == (2, 1), err
        assert said in err


# --- predict ---


def test_predict_on_a_video_writes_a_row_per_frame_and_led(command, run, video, frames, tmp_path):
    out = tmp_path / "glints.csv"
    words = ["--run", run, "--input", video, "--out", out, "--overlay", tmp_path / "o.mp4", "--batch", 7]
    status, said, err = command("predict", *words, *EN)
    assert status == 0, err
    assert "40 frames, 0 skipped" in said
    rows = table(out)
    assert list(rows[0]) == ["source", "frame", "time_s", "led", "x", "y", "score", "sigma", "present"]
    assert [(int(row["frame"]), row["led"]) for row in rows] == [(f, g) for f in range(40) for g in ("g1", "g2")]
    assert float(rows[2]["time_s"]) == pytest.approx(1 / 25)
    assert all((row["x"] == "") == (row["present"] == "0") for row in rows)
    glints = GlintDetector.load(run)(frames)
    for row in rows:
        f, c = int(row["frame"]), int(row["led"][1:]) - 1
        if abs(glints.scores[f, c] - GlintDetector.load(run).threshold) > 0.2 and row["present"] == "1":
            assert float(row["x"]) == pytest.approx(glints.points[f, c, 0], abs=1.0)  # the video is compressed
    overlay = cv2.VideoCapture(str(tmp_path / "o.mp4"))
    assert overlay.get(cv2.CAP_PROP_FRAME_COUNT) == 40
    assert overlay.read()[1].shape == (480, 640, 3)


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_every_kind_of_table_holds_the_same(command, run, h5, tmp_path, ending):
    out = tmp_path / f"glints.{ending}"
    assert command("predict", "--run", run, "--input", h5, "--out", out, *EN)[0] == 0
    if ending == "csv":
        rows = table(out)
    elif ending == "json":
        rows = json.loads(out.read_text())
    else:
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(out).to_pylist()
    assert len(rows) == 120
    assert rows[3]["source"] == "synthetic_easy_1_000001"
    glints = GlintDetector.load(run)(h5py.File(h5)["images"][:2])
    assert float(rows[3]["score"]) == pytest.approx(float(glints.scores[1, 1]), abs=1e-4)
    assert float(rows[3]["sigma"]) == pytest.approx(float(glints.sigmas[1, 1]), abs=1e-3)


def test_a_folder_of_mixed_images_names_the_broken_ones_and_goes_on(command, run, frames, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    Image.fromarray(frames[0]).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"")
    Image.fromarray(frames[1].astype(np.uint16) * 257).save(folder / "c.png")
    Image.fromarray(np.array([[9]], np.uint8)).save(folder / "d.png")
    Image.fromarray(np.stack([frames[2]] * 3, axis=-1)).save(folder / "e.jpg")
    (folder / "f.tif").write_bytes((folder / "a.png").read_bytes()[:50])
    (folder / "notes.txt").write_text("not an image")
    out = tmp_path / "out.csv"
    status, said, _ = command(
        "predict", "--run", run, "--input", folder, "--out", out, "--overlay", tmp_path / "o", *EN
    )
    assert status == 1
    assert "4 frames, 2 skipped" in said
    assert said.count("Skipped: ") == 2
    assert "b.png" in said
    rows = table(out)
    assert [Path(row["source"]).name for row in rows[::2]] == ["a.png", "c.png", "d.png", "e.jpg"]
    one, other = GlintDetector.load(run)(frames[:1]), [row for row in rows if row["source"].endswith("a.png")]
    assert float(other[0]["score"]) == pytest.approx(float(one.scores[0, 0]), abs=1e-4)
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == ["a.png", "c.png", "d.png", "e.png"]
    by_pattern = command("predict", "--run", run, "--input", folder / "[ac].png", "--out", tmp_path / "p.json", *EN)
    assert by_pattern[0] == 0
    assert len(json.loads((tmp_path / "p.json").read_text())) == 4


def test_the_labelling_loop_predict_correct_pack(command, run, video, frames, tmp_path):
    words = ["--run", run, "--input", video, "--out", tmp_path / "g.csv", "--labelme", tmp_path / "notes"]
    assert command("predict", *words, *EN)[0] == 0
    notes = sorted((tmp_path / "notes").glob("*.json"))
    assert len(notes) == 40
    corrected = json.loads(notes[3].read_text())
    corrected["shapes"] = [{"label": "g2", "shape_type": "point", "points": [[12.0, 13.0]]}]
    notes[3].write_text(json.dumps(corrected))
    size = ["--num_classes", 2, "--img_h", 48, "--img_w", 64]
    assert command("pack", "--in_dir", tmp_path / "notes", "--out_h5", tmp_path / "n.h5", *size, *EN)[0] == 0
    with h5py.File(tmp_path / "n.h5") as file:
        keypoints = file["keypoints"][:]
        assert keypoints[3, 1] == pytest.approx([12, 13])
        assert np.isnan(keypoints[3, 0]).all()
        rows = [row for row in table(tmp_path / "g.csv") if row["present"] == "1" and row["frame"] != "3"]
        for row in rows:
            found = keypoints[int(row["frame"]), int(row["led"][1:]) - 1]
            assert found == pytest.approx([float(row["x"]), float(row["y"])], abs=0.01)
    status, _, err = command("predict", *words[:5], tmp_path / "h.csv", *words[6:], *EN)
    assert status == 2
    assert "holds JSON annotations already" in err


@pytest.mark.parametrize("fps", [23.976, 29.97, 77.863, 500.0])
def test_an_overlay_of_any_frame_rate_is_written(run, frames, tmp_path, fps):
    from glint_unet.inference.media import Frame
    from glint_unet.inference.overlay import Overlay

    overlay = Overlay(tmp_path / "o.mp4", fps)
    for number, frame in enumerate(frames[:5]):
        overlay.add(Frame("eye", number, None, frame), cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    overlay.close()
    written = cv2.VideoCapture(str(tmp_path / "o.mp4"))
    assert written.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert written.get(cv2.CAP_PROP_FPS) == pytest.approx(fps, abs=0.05)


def test_a_cut_video_is_told_and_its_whole_frames_are_kept(command, run, video, tmp_path):
    cut = tmp_path / "cut.avi"
    content = video.read_bytes()
    cut.write_bytes(content[: len(content) * 6 // 10])
    status, _, err = command("predict", "--run", run, "--input", cut, "--out", tmp_path / "o.csv", *EN)
    if status == 2:
        assert "Cannot be opened as a video" in err
    else:
        assert status in (0, 1)
        assert 5 <= len(table(tmp_path / "o.csv")) / 2 < 40


REFUSED = {
    "text as a video": ("notes.mp4", "some text", "Cannot be opened as a video"),
    "empty video": ("empty.avi", "", "Cannot be opened as a video"),
    "text file": ("notes.txt", "some text", "is no image, video or data set"),
    "empty image": ("empty.png", "", "None of the 1 frames"),
    "text as a data set": ("notes.h5", "some text", "notes.h5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_input_that_cannot_be_read_is_one_line_and_leaves_nothing(command, run, tmp_path, case):
    name, content, said = REFUSED[case]
    (tmp_path / name).write_text(content)
    status, _, err = command("predict", "--run", run, "--input", tmp_path / name, "--out", tmp_path / "o.csv", *EN)
    assert (status, err.count("\n")) == (2, 1), err
    assert said in err
    assert not (tmp_path / "o.csv").exists()


def test_other_mistakes_are_one_line_too(command, run, video, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.csv").write_text("mine")
    cases = {
        (tmp_path / "none.png", "o.csv"): "No such input",
        (tmp_path / "folder", "o.csv"): "holds no images",
        (tmp_path / "*.bmp", "o.csv"): "No file matches",
        (video, "o.xlsx"): "must end with one of: .csv .json .parquet",
        (video, "there.csv"): "add --overwrite",
        (video, "no/o.csv"): "No such directory",
    }
    for (source, out), said in cases.items():
        status, _, err = command("predict", "--run", run, "--input", source, "--out", tmp_path / out, *EN)
        assert (status, err.count("\n")) == (2, 1), err
        assert said in err
    assert (tmp_path / "there.csv").read_text() == "mine"
    status, _, err = command(
        "predict", "--run", tmp_path / "folder", "--input", video, "--out", tmp_path / "o.csv", *EN
    )
    assert status == 2
    assert "no best_model" in err


def test_ctrl_c_leaves_a_valid_file_with_the_frames_so_far(run, video, tmp_path):
    long = tmp_path / "long.avi"
    writer = cv2.VideoWriter(str(long), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (640, 480))
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), dtype=np.uint8)
    for _ in range(1500):
        writer.write(noise)
    writer.release()
    words = [sys.executable, "-m", "glint_unet", "predict", "--run", run, "--input", long, "--out", tmp_path / "o.csv"]
    heeding = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 - a shell's background job ignores it
    process = subprocess.Popen([*map(str, words), *EN], cwd=ROOT, stdout=subprocess.PIPE, text=True, preexec_fn=heeding)
    temporaries = lambda: [p for p in tmp_path.iterdir() if "o.csv" in p.name]  # noqa: E731
    deadline = time.monotonic() + 120
    while not temporaries() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.05)
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 130, said
    rows = table(tmp_path / "o.csv")
    assert 0 < len(rows) / 2 < 1500
    assert f"the first {len(rows) // 2} frames" in said
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


# --- export ---


@pytest.fixture(scope="module")
def onnx_file(run):
    path = run.parent / "model.onnx"
    words = [sys.executable, "-m", "glint_unet", "export", "--run", run, "--out", path, *EN]
    ended = subprocess.run(list(map(str, words)), cwd=ROOT, check=True, capture_output=True, text=True)
    assert "px apart at most" in ended.stdout
    assert "instead" not in ended.stdout
    return path


def test_onnx_gives_what_pytorch_gives_for_any_batch(onnx_file, run, frames):
    ours, theirs = GlintDetector.load(run), GlintDetector.load(onnx_file)
    assert theirs.labels() == ours.labels()
    assert theirs.threshold == ours.threshold
    for batch in (frames[:1], frames[:7], frames):
        one, other = ours(batch), theirs(batch)
        assert np.array_equal(one.present, other.present)
        assert np.abs(one.points - other.points)[one.present].max() < 0.01
        assert np.abs(one.sigmas - other.sigmas)[one.present].max() < 0.01
    session = onnxruntime.InferenceSession(onnx_file)
    heatmaps, points, scores, sigmas = session.run(None, {"images": frames[:3]})
    assert (heatmaps.shape, points.shape, scores.shape, sigmas.shape) == ((3, 2, 24, 32), (3, 2, 2), (3, 2), (3, 2))
    assert session.get_modelmeta().custom_metadata_map["format"] == "glint-unet 1"


def test_the_example_runs_the_file_with_onnxruntime_and_numpy_alone(onnx_file, run, frames, tmp_path):
    Image.fromarray(frames[0]).save(tmp_path / "eye.png")
    words = [sys.executable, ROOT / "examples" / "run_onnx.py", onnx_file, tmp_path / "eye.png"]
    ended = subprocess.run(list(map(str, words)), check=True, capture_output=True, text=True, cwd=tmp_path)
    glints = GlintDetector.load(run)(frames[0])
    lines = ended.stdout.splitlines()
    assert len(lines) == 2
    for channel, line in enumerate(lines):
        if glints.present[0, channel]:
            x, y = (float(word) for word in line.split()[1:3])
            assert [x, y] == pytest.approx(glints.points[0, channel].tolist(), abs=0.02)
        else:
            assert "absent" in line


def test_half_precision_weights_make_a_smaller_file_that_passes_the_gate_or_is_removed(
    command, run, onnx_file, tmp_path
):
    status, out, err = command("export", "--run", run, "--out", tmp_path / "h.onnx", "--half", *EN)
    if status == 0:
        assert (tmp_path / "h.onnx").stat().st_size < onnx_file.stat().st_size
        assert "px apart at most" in out
    else:
        assert "px from PyTorch" in err
        assert not (tmp_path / "h.onnx").exists()


def test_the_gate_finds_a_model_that_differs(run, onnx_file, frames, tmp_path):
    import shutil

    from glint_unet.errors import ExportError
    from glint_unet.inference.onnx_file import check_export
    from glint_unet.inference.trained_model import load_model

    copy = tmp_path / "copy.onnx"
    shutil.copy(onnx_file, copy)
    model = load_model(run)
    assert check_export(model, copy, frames) < 0.01
    with torch.no_grad():
        dict(model.network.named_parameters())["votes.1.bias"][0] += 0.1
    with pytest.raises(ExportError, match="px from PyTorch"):
        check_export(model, copy, frames)
    assert not copy.exists()


def test_safetensors_and_torch_export_hold_the_same_model(command, run, frames, tmp_path):
    assert command("export", "--run", run, "--out", tmp_path / "m.safetensors", *EN)[0] == 0
    weights = torch.load(run / "best_model_weights.pt")
    stored = safetensors.torch.load_file(tmp_path / "m.safetensors")
    assert weights.keys() == stored.keys()
    assert all(torch.equal(tensor, stored[name]) for name, tensor in weights.items())
    assert command("export", "--run", run, "--out", tmp_path / "m.pt2", *EN)[0] == 0
    program = torch.export.load(tmp_path / "m.pt2").module()
    points = program(torch.from_numpy(frames[:5]))[1].detach().numpy()
    glints = GlintDetector.load(run)(frames[:5])
    assert np.abs(points - glints.points)[glints.present].max() < 0.01


def test_what_cannot_be_exported_or_opened_is_one_line(command, run, tmp_path):
    (tmp_path / "text.onnx").write_text("no model")
    cases = [
        (("export", "--run", run, "--out", tmp_path / "m.tflite"), "must end with"),
        (("export", "--run", run, "--out", tmp_path / "m.pt2", "--half"), "must end with"),
        (("export", "--run", tmp_path / "none", "--out", tmp_path / "m.onnx"), "No such checkpoint"),
        (("predict", "--run", tmp_path / "text.onnx", "--input", ".", "--out", tmp_path / "o.csv"), "no ONNX model"),
    ]
    for words, said in cases:
        status, _, err = command(*words, *EN)
        assert (status, err.count("\n")) == (2, 1), err
        assert said in err


# --- live ---


def test_live_prints_frames_per_second_and_latency(command, run, video, tmp_path):
    words = ["--run", run, "--source", video, "--overlay", tmp_path / "live.avi", "--every_s", 0]
    status, out, err = command("live", *words, *EN)
    assert status == 0, err
    assert "40 frames" in out.splitlines()[-1]
    assert "latency in ms: median" in out
    assert cv2.VideoCapture(str(tmp_path / "live.avi")).get(cv2.CAP_PROP_FRAME_COUNT) == 40
    status, out, _ = command("live", "--run", run, "--source", video, "--num", 5, *EN)
    assert "5 frames" in out


def test_live_refuses_a_source_that_is_not_there(command, run, tmp_path):
    for source in (tmp_path / "none.mp4", 97):
        status, _, err = command("live", "--run", run, "--source", source, *EN)
        assert status == 2
        assert "Cannot be opened as a video" in err
    assert os.environ.get("DISPLAY") or command("live", "--run", run, "--source", "98", "--show", *EN)[0] == 2
