"""`glint-unet predict` on a small trained run: real files, real videos, a real Ctrl-C."""

import csv
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import h5py
import numpy as np
import pytest
import torch
from PIL import Image

from glint_unet.errors import DeviceError
from glint_unet.inference.predictor import GlintDetector
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
EN = ("--lang", "en")


def table(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_predict_on_a_video_writes_a_row_per_frame_and_led(command, eyes_run, eyes_video, eyes_frames, tmp_path):
    out = tmp_path / "glints.csv"
    words = ["--run", eyes_run, "--input", eyes_video, "--out", out, "--overlay", tmp_path / "o.mp4", "--batch", 7]
    status, stdout, err = command("predict", *words, *EN)
    assert status == 0, err
    assert "40 frames, 0 skipped" in stdout
    rows = table(out)
    assert list(rows[0]) == ["source", "frame", "time_s", "led", "x", "y", "score", "sigma", "present"]
    assert [(int(row["frame"]), row["led"]) for row in rows] == [(f, g) for f in range(40) for g in ("g1", "g2")]
    assert float(rows[2]["time_s"]) == pytest.approx(1 / 25)
    assert all((row["x"] == "") == (row["present"] == "0") for row in rows)
    glints = GlintDetector.load(eyes_run)(eyes_frames)
    for row in rows:
        f, c = int(row["frame"]), int(row["led"][1:]) - 1
        if abs(glints.scores[f, c] - GlintDetector.load(eyes_run).threshold) > 0.2 and row["present"] == "1":
            assert float(row["x"]) == pytest.approx(glints.points[f, c, 0], abs=1.0)  # the eyes_video is compressed
    overlay = cv2.VideoCapture(str(tmp_path / "o.mp4"))
    assert overlay.get(cv2.CAP_PROP_FRAME_COUNT) == 40
    assert overlay.read()[1].shape == (480, 640, 3)


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_every_kind_of_table_holds_the_same(command, eyes_run, eyes_h5, tmp_path, ending):
    out = tmp_path / f"glints.{ending}"
    assert command("predict", "--run", eyes_run, "--input", eyes_h5, "--out", out, *EN)[0] == 0
    if ending == "csv":
        rows = table(out)
    elif ending == "json":
        rows = json.loads(out.read_text())
    else:
        import pyarrow.parquet

        rows = pyarrow.parquet.read_table(out).to_pylist()
    assert len(rows) == 120
    assert rows[3]["source"] == "synthetic_easy_1_000001"
    glints = GlintDetector.load(eyes_run)(h5py.File(eyes_h5)["images"][:2])
    assert float(rows[3]["score"]) == pytest.approx(float(glints.scores[1, 1]), abs=1e-4)
    assert float(rows[3]["sigma"]) == pytest.approx(float(glints.sigmas[1, 1]), abs=1e-3)


def test_a_folder_of_mixed_images_names_the_broken_ones_and_goes_on(command, eyes_run, eyes_frames, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    Image.fromarray(eyes_frames[0]).save(folder / "a.png")
    (folder / "b.png").write_bytes(b"")
    Image.fromarray(eyes_frames[1].astype(np.uint16) * 257).save(folder / "c.png")
    Image.fromarray(np.array([[9]], np.uint8)).save(folder / "d.png")
    Image.fromarray(np.stack([eyes_frames[2]] * 3, axis=-1)).save(folder / "e.jpg")
    (folder / "f.tif").write_bytes((folder / "a.png").read_bytes()[:50])
    (folder / "notes.txt").write_text("not an image")
    out = tmp_path / "out.csv"
    status, stdout, _ = command(
        "predict", "--run", eyes_run, "--input", folder, "--out", out, "--overlay", tmp_path / "o", *EN
    )
    assert status == 1
    assert "4 frames, 2 skipped" in stdout
    assert stdout.count("Skipped: ") == 2
    assert "b.png" in stdout
    rows = table(out)
    assert [Path(row["source"]).name for row in rows[::2]] == ["a.png", "c.png", "d.png", "e.jpg"]
    one, other = GlintDetector.load(eyes_run)(eyes_frames[:1]), [row for row in rows if row["source"].endswith("a.png")]
    assert float(other[0]["score"]) == pytest.approx(float(one.scores[0, 0]), abs=1e-4)
    assert sorted(p.name for p in (tmp_path / "o").iterdir()) == ["a.png", "c.png", "d.png", "e.png"]
    by_pattern = command(
        "predict", "--run", eyes_run, "--input", folder / "[ac].png", "--out", tmp_path / "p.json", *EN
    )
    assert by_pattern[0] == 0
    assert len(json.loads((tmp_path / "p.json").read_text())) == 4


def test_the_labelling_loop_predict_correct_pack(command, eyes_run, eyes_video, eyes_frames, tmp_path):
    words = ["--run", eyes_run, "--input", eyes_video, "--out", tmp_path / "g.csv", "--labelme", tmp_path / "notes"]
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
    assert "already holds JSON annotations" in err


def test_a_cut_video_is_reported_and_its_whole_frames_are_kept(command, eyes_run, eyes_video, tmp_path):
    cut = tmp_path / "cut.avi"
    content = eyes_video.read_bytes()
    cut.write_bytes(content[: len(content) * 6 // 10])
    status, _, err = command("predict", "--run", eyes_run, "--input", cut, "--out", tmp_path / "o.csv", *EN)
    if status == 2:
        assert "Cannot be opened as a video" in err
    else:
        assert status in (0, 1)
        assert 5 <= len(table(tmp_path / "o.csv")) / 2 < 40


REFUSED = {
    "text as a video": ("notes.mp4", "some text", "Cannot be opened as a video"),
    "empty video": ("empty.avi", "", "Cannot be opened as a video"),
    "text file": ("notes.txt", "some text", "is not an image, video or data set"),
    "empty image": ("empty.png", "", "None of the 1 frames"),
    "text as a data set": ("notes.h5", "some text", "notes.h5"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_an_input_that_cannot_be_read_is_one_line_and_leaves_nothing(command, eyes_run, tmp_path, case):
    name, content, fragment = REFUSED[case]
    (tmp_path / name).write_text(content)
    status, _, err = command("predict", "--run", eyes_run, "--input", tmp_path / name, "--out", tmp_path / "o.csv", *EN)
    assert (status, err.count("\n")) == (2, 1), err
    assert fragment in err
    assert not (tmp_path / "o.csv").exists()


def test_other_mistakes_are_one_line_too(command, eyes_run, eyes_video, tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "there.csv").write_text("mine")
    cases = {
        (tmp_path / "none.png", "o.csv"): "No such input",
        (tmp_path / "folder", "o.csv"): "contains no images",
        (tmp_path / "*.bmp", "o.csv"): "No file matches",
        (eyes_video, "o.xlsx"): "must end with one of: .csv .json .parquet",
        (eyes_video, "there.csv"): "add --overwrite",
        (eyes_video, "no/o.csv"): "No such directory",
    }
    for (source, out), fragment in cases.items():
        status, _, err = command("predict", "--run", eyes_run, "--input", source, "--out", tmp_path / out, *EN)
        assert (status, err.count("\n")) == (2, 1), err
        assert fragment in err
    assert (tmp_path / "there.csv").read_text() == "mine"
    status, _, err = command(
        "predict", "--run", tmp_path / "folder", "--input", eyes_video, "--out", tmp_path / "o.csv", *EN
    )
    assert status == 2
    assert "no best_model" in err


def test_ctrl_c_leaves_a_valid_file_with_the_frames_so_far(eyes_run, eyes_frames, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name, frame in zip("abcde", eyes_frames, strict=False):
        Image.fromarray(frame).save(folder / f"{name}.png")
    os.mkfifo(folder / "f.png")  # opening it waits for ever, as an input does that is never at its end
    out, drawn = tmp_path / "o.csv", tmp_path / "drawn"
    words = ["predict", "--run", eyes_run, "--input", folder, "--out", out, "--overlay", drawn, "--batch", 2, *EN]
    heeding = lambda: signal.signal(signal.SIGINT, signal.SIG_DFL)  # noqa: E731 - a shell's background job ignores it
    process = subprocess.Popen(
        [sys.executable, "-m", "glint_unet", *map(str, words)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=heeding,
    )
    wait_until((drawn / "d.png").exists, process)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate()
    assert process.returncode == 130, output
    rows = table(out)
    assert len(rows) / 2 == 4
    assert "the first 4 frames" in output
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(".")] == []


@pytest.fixture
def two_folders(eyes_frames, tmp_path):
    """Six images: 1.png and 2.png in two folders, and in one of them 1.jpg as well as a blurred 1.tif."""
    folders = tmp_path / "im" / "left", tmp_path / "im" / "right"
    for k, folder in enumerate(folders):
        folder.mkdir(parents=True)
        Image.fromarray(eyes_frames[2 * k]).save(folder / "1.png")
        Image.fromarray(eyes_frames[2 * k + 1]).save(folder / "2.png")
    Image.fromarray(eyes_frames[4]).save(folders[0] / "1.jpg")
    Image.fromarray(eyes_frames[5]).save(folders[0] / "1.tif")
    return tmp_path / "im"


def test_images_of_the_same_name_in_several_folders_or_formats_are_all_kept(command, eyes_run, two_folders, tmp_path):
    words = ["--out", tmp_path / "g.csv", "--overlay", tmp_path / "o", "--labelme", tmp_path / "l", *EN]
    status, _, err = command("predict", "--run", eyes_run, "--input", two_folders / "*" / "*", *words)
    assert status == 0, err
    names = ["left/1_jpg", "left/1_png", "left/1_tif", "left/2", "right/1", "right/2"]
    drawn = sorted(str(p.relative_to(tmp_path / "o").with_suffix("")) for p in (tmp_path / "o").rglob("*.png"))
    assert drawn == names
    notes = {str(p.relative_to(tmp_path / "l").with_suffix("")): p for p in (tmp_path / "l").rglob("*.json")}
    assert sorted(notes) == names
    images = {(note.parent / json.loads(note.read_text())["imagePath"]).resolve() for note in notes.values()}
    assert images == {p.resolve() for p in two_folders.rglob("*.*")}


def test_what_is_there_is_never_drawn_over(command, eyes_run, two_folders, tmp_path):
    before = {path: path.read_bytes() for path in two_folders.rglob("*.*")}
    left = two_folders / "left"
    words = ["predict", "--run", eyes_run, "--input", left, "--out", tmp_path / "g.csv", *EN]
    for overlay, fragment in {left: "input", two_folders / "right": "--overwrite"}.items():
        for overwrite in [(), ("--overwrite",)] if overlay == left else [()]:
            status, _, err = command(*words, "--overlay", overlay, *overwrite)
            assert (status, err.count("\n")) == (2, 1), err
            assert fragment in err
            assert {path: path.read_bytes() for path in two_folders.rglob("*.*")} == before
    assert command(*words, "--overlay", two_folders / "right", "--overwrite")[0] == 0
    assert len(list((two_folders / "right").iterdir())) == 5  # 1.png was none of the names drawn


@pytest.fixture
def damaged_h5(eyes_h5, tmp_path):
    """A copy of the data set, its image of row 7 in a chunk that cannot be unpacked."""
    path = tmp_path / "damaged.h5"
    with h5py.File(eyes_h5) as file, h5py.File(path, "w") as copy:
        for name, value in file.attrs.items():
            copy.attrs[name] = value
        for name in file:
            if name != "images":
                file.copy(name, copy)
        images = file["images"][:]
        copy.create_dataset("images", data=images, chunks=(1, *images.shape[1:]), compression="gzip")
        place = copy["images"].id.get_chunk_info(7)
    with path.open("r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(b"\xff" * place.size)
    return path


def test_a_damaged_row_of_a_data_set_is_named_and_the_others_are_written(command, eyes_run, damaged_h5, tmp_path):
    out = tmp_path / "g.csv"
    status, stdout, err = command("predict", "--run", eyes_run, "--input", damaged_h5, "--out", out, *EN)
    assert status == 1, err
    assert "59 frames, 1 skipped" in stdout
    assert "frame 7: " in stdout
    assert {int(row["frame"]) for row in table(out)} == set(range(60)) - {7}


def test_a_reader_that_left_costs_no_rows(eyes_run, damaged_h5, tmp_path):
    words = ["predict", "--run", eyes_run, "--input", damaged_h5, "--out", tmp_path / "g.csv", "--batch", 4, *EN]
    reading, writing = os.pipe()
    os.close(reading)
    line = [sys.executable, "-m", "glint_unet", *map(str, words)]
    ended = subprocess.run(line, cwd=ROOT, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert len(table(tmp_path / "g.csv")) == 2 * 59


@pytest.mark.parametrize("ending", ["csv", "json", "parquet"])
def test_a_table_that_the_disk_does_not_take_is_one_line(command, eyes_run, eyes_h5, tmp_path, ending):
    out = tmp_path / f"glints.{ending}"
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))
    try:
        status, _, err = command("predict", "--run", eyes_run, "--input", eyes_h5, "--out", out, *EN)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
    assert (status, err.count("\n")) == (2, 1), err
    assert f"glints.{ending} cannot be written" in err
    assert list(tmp_path.iterdir()) == []


def test_a_video_that_the_disk_does_not_take_is_not_kept(command, eyes_run, eyes_video, tmp_path):
    words = ["--input", eyes_video, "--out", tmp_path / "g.csv", *EN]
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for name in ("o.avi", "o.mp4"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, hard))
        try:
            status, _, err = command("predict", "--run", eyes_run, "--overlay", tmp_path / name, *words, "--overwrite")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        assert (status, err.count("\n")) == (2, 1), err
        assert name in err
        assert [p.name for p in tmp_path.iterdir() if p.name != "g.csv"] == []


@pytest.mark.parametrize("device", ["foo", "mps", "cuda:99", "cuda"])
def test_a_device_that_is_not_there_is_one_line(command, eyes_run, eyes_h5, eyes_video, eyes_onnx, tmp_path, device):
    if device == "cuda" and torch.cuda.is_available():
        pytest.skip("it is there")
    lines = [
        ("predict", "--run", eyes_run, "--input", eyes_h5, "--out", tmp_path / "o.csv"),
        ("predict", "--run", eyes_onnx, "--input", eyes_h5, "--out", tmp_path / "o.csv"),
        ("evaluate", "--run", eyes_run, "--h5", eyes_h5),
        ("live", "--run", eyes_run, "--source", eyes_video),
    ]
    for words in lines:
        status, _, err = command(*words, "--device", device, *EN)
        assert (status, err.count("\n")) == (2, 1), err
        assert device in err
    with pytest.raises(DeviceError, match=device):
        GlintDetector.load(eyes_run, device=device)


def save_frames(folder, images):
    folder.mkdir()
    for k, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{k:03}.png")
    return folder


def test_unlike_images_are_reported_once_and_familiar_ones_are_not(command, eyes_run, eyes_frames, eyes_h5, tmp_path):
    inverted = save_frames(tmp_path / "inverted", np.concatenate([255 - eyes_frames] * 3))
    words = ["predict", "--run", eyes_run, "--out", tmp_path / "out.csv", "--overwrite", *EN]
    for source in (eyes_h5, save_frames(tmp_path / "frames", eyes_frames)):
        status, out, err = command(*words, "--input", source)
        assert (status, err, out.count("\n")) == (0, "", 1)
    status, out, err = command(*words, "--input", inverted)
    assert (status, err, out.count("\n")) == (0, "", 2)
    assert out.count("Hardly any glint is found") == 1
    assert "in 100 frames" in out
    assert len(table(tmp_path / "out.csv")) == 240
    status, out, _ = command(*words, "--input", inverted / "00*.png")  # fewer than a hundred: at the end
    assert out.count("in 10 frames") == 1


def test_predict_follows_smooths_and_writes_the_quality_of_a_video(command, eyes_run, eyes_video, tmp_path):
    words = ["predict", "--run", eyes_run, "--input", eyes_video, "--out", tmp_path / "a.csv", "--lang", "en"]
    more = ["--follow", "--smooth", "--quality", tmp_path / "quality.csv", "--px_per_deg", 3]
    status, _, err = command(*words, *more)
    assert status == 0, err
    with (tmp_path / "quality.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["led"] for row in rows] == ["g1", "g2"]
    assert {row["frames"] for row in rows} == {"40"}
    assert command(*words, *more)[0] == 2  # the files exist
    assert "--quality FILE.csv" in command(*words, "--overwrite", "--px_per_deg", 3)[2]
    assert ".csv" in command(*words, "--overwrite", "--quality", tmp_path / "quality.txt")[2]
