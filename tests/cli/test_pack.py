"""`glint-unet pack` as a user runs it."""

import json

import h5py
import numpy as np
import pytest
from PIL import Image

from glint_unet.data.annotation.readers import READERS
from tests.annotation_files import annotate, circle, coco, cvat, dlc, point

EN = ["--lang", "en"]


@pytest.fixture
def pack(tmp_path, command):
    """Packs a directory: (status, stdout, stderr)."""

    def run(*words):
        return command("pack", "--in_dir", tmp_path, "--out_h5", tmp_path / "out.h5", *words, *EN)

    return run


def test_files_skipped_for_one_cause_are_named_three_times_and_counted(tmp_path, command):
    for k in range(40):
        (tmp_path / f"eye_{k:02d}.json").write_text(json.dumps({"shapes": [], "imagePath": f"eye_{k:02d}.png"}))
    (tmp_path / "other.json").write_text("{")
    status, out, err = command("pack", "--in_dir", tmp_path, "--out_h5", tmp_path / "out.h5", "--lang", "en")
    assert status == 2
    assert "None of the 41 annotation files" in err
    lines = out.splitlines()
    assert sum(line.startswith("Skipped") and "eye_" in line for line in lines) == 3
    assert sum(line.startswith("37 more files skipped") and "eye_39" in line for line in lines) == 1
    assert sum(line.startswith("Skipped") and "other.json" in line for line in lines) == 1


def test_number_of_leds_and_size_are_those_of_the_images(tmp_path, pack):
    for k in range(3):
        annotate(tmp_path, f"eye_{k}", [circle("g4", 30, 40, 3)], size=(240, 320))
    annotate(tmp_path, "square", [circle("g1", 30, 40, 3), point("pupil", 3, 3)], size=(100, 100))
    status, out, _ = pack()
    assert status == 0
    assert "LEDs: 4; images: 240x320; heatmaps: 60x80" in out
    assert "Ignored labels that do not belong to an LED: 1 (pupil (1))" in out
    assert "LEDs that appear in no image: 2 (g2, g3)" in out
    assert "padded: 1 (e.g. square)" in out
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["images"].shape == (4, 240, 320)
        assert file["keypoints"].shape == (4, 4, 2)
        assert file.attrs["stretched"] == "no"
    status, out, _ = pack("--overwrite", "--stretch", "--img_h", 64, "--img_w", 64)
    assert status == 0
    assert "stretched: 3 (e.g. eye_0)" in out
    with h5py.File(tmp_path / "out.h5") as file:
        assert file.attrs["stretched"] == "yes"


LOST = {
    "labelme": ("", ""),
    "coco": ("notes.json", coco(["led1", "led2", "led3"])[1]),
    "cvat": ("notes.xml", cvat()[1].replace('label="g', 'label="led')),
    "dlc": ("notes.csv", dlc(names=["led1", "led2", "led3"])[1]),
}


@pytest.mark.parametrize("kind", LOST)
def test_labels_that_all_miss_the_prefix_are_refused_and_named(tmp_path, pack, kind):
    for stem in "abc":
        annotate(tmp_path, stem, [point("led1", 5, 5)] if kind == "labelme" else [], size=(48, 64))
    name, content = LOST[kind]
    if name:
        (tmp_path / name).write_text(content)
    words = ["--annotations", tmp_path / name] if name else []
    status, _, err = pack("--num_classes", 8, "--img_h", 48, "--img_w", 64, *words)
    assert status == 2
    assert "led1" in err
    assert "--prefix" in err
    assert not (tmp_path / "out.h5").exists()
    status, out, _ = pack(*words, "--prefix", "led")
    assert status == 0
    assert f"LEDs: {1 if kind == 'labelme' else 3};" in out


def test_names_in_order_are_printed_with_their_numbers(tmp_path, pack):
    for stem in "abc":
        annotate(tmp_path, stem, [], size=(48, 64))
    (tmp_path / "notes.csv").write_text(dlc(names=["top", "left", "right"])[1])
    status, out, _ = pack("--annotations", tmp_path / "notes.csv")
    assert status == 0
    assert "numbered in file order: 1: top, 2: left, 3: right" in out


def test_an_ellipse_of_cvat_is_packed(tmp_path, pack):
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(tmp_path / "a.png")
    shape = '<ellipse label="g1" cx="12.5" cy="7" rx="8" ry="8"/>'
    (tmp_path / "notes.xml").write_text(f'<annotations><image name="a.png">{shape}</image></annotations>')
    status, _, _ = pack("--annotations", tmp_path / "notes.xml", "--num_classes", 1, "--img_h", 48, "--img_w", 64)
    assert status == 0
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["keypoints"][0, 0].tolist() == [12.5, 7.0]


@pytest.mark.parametrize("odd", ["\0", "\ud800"])
def test_a_name_that_hdf5_cannot_store_is_packed_as_escapes(tmp_path, pack, odd):
    for stem in "abc":
        annotate(tmp_path, stem, [], size=(48, 64))
    content = json.loads(coco()[1])
    content["images"][0]["file_name"] = f"video{odd}/a.png"
    (tmp_path / "notes.json").write_text(json.dumps(content))
    assert pack("--annotations", tmp_path / "notes.json")[0] == 0
    with h5py.File(tmp_path / "out.h5") as file:
        assert b"\\" in file["stems"][2]


@pytest.mark.parametrize("prefix", ["\0", "\udcff"])
def test_a_prefix_that_hdf5_cannot_store_is_refused(tmp_path, pack, prefix):
    annotate(tmp_path, "a", [])
    status, _, err = pack("--num_classes", 1, "--prefix", prefix)
    assert status == 2
    assert err.startswith("--prefix ")
    assert err.count("\n") == 1


def test_a_circle_of_infinite_radius_is_skipped(tmp_path, pack):
    annotate(tmp_path, "good", [point("g1", 5, 5)])
    annotate(tmp_path, "bad", [circle("g1", 5, 5, 1) | {"points": [[5, 5], [1.7e308, -1e308]]}])
    status, out, _ = pack("--num_classes", 1, "--img_h", 120, "--img_w", 160)
    assert status == 1
    assert "radius of g1" in out
    assert "1 images written, 1 files skipped" in out


@pytest.mark.parametrize("name", ["a.bmp", "elsewhere/a.png"])
def test_two_names_of_one_stem_or_image_are_refused(tmp_path, pack, name):
    for stem in "abc":
        annotate(tmp_path, stem, [], size=(48, 64))
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(tmp_path / "a.bmp")
    (tmp_path / "notes.json").write_text(coco()[1].replace("c.png", name))
    status, _, err = pack("--annotations", tmp_path / "notes.json", "--num_classes", 3, "--img_h", 48, "--img_w", 64)
    assert status == 2
    assert "(a.png)" in err
    assert f"({name})" in err


def test_a_very_long_name_is_a_missing_image_in_a_short_line(tmp_path, pack):
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(tmp_path / "a.png")
    (tmp_path / "notes.csv").write_text(f"stem,led,x,y\na,1,1,1\n{'x' * 5000},1,1,1\n")
    status, out, _ = pack("--annotations", tmp_path / "notes.csv", "--num_classes", 1, "--img_h", 48, "--img_w", 64)
    assert status == 1
    assert "1 images written, 1 files skipped" in out
    assert max(map(len, out.splitlines())) < 600


def test_images_of_more_than_8_bits_have_one_white_level(tmp_path, pack):
    for stem, level in (("dark", 200), ("bright", 1000)):
        annotate(tmp_path, stem, [point("g1", 5, 5)])
        Image.fromarray(np.full((120, 160), level, np.uint16)).save(tmp_path / f"{stem}.png")
    assert pack("--num_classes", 1, "--img_h", 120, "--img_w", 160)[0] == 0
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["images"][:, 0, 0].tolist() == [249, 50]


def test_a_format_that_does_not_exist_is_answered_with_those_that_do(pack):
    status, _, err = pack("--format", "yolo")
    assert status == 2
    assert ", ".join(["auto", *READERS]) in err


def test_a_format_without_a_file_of_it_is_refused(tmp_path, pack):
    annotate(tmp_path, "a", [point("g1", 5, 5)])
    status, _, err = pack("--format", "coco")
    assert status == 2
    assert "--format coco needs a file, given by --annotations" in err
    assert pack("--format", "labelme")[0] == 0


@pytest.mark.parametrize("words", [["--stretch"], []])
def test_what_predict_annotates_packs_to_the_points_it_predicted(eyes_run, eyes_frames, tmp_path, command, words):
    """Images of another aspect than the network's, padded and stretched."""
    folder = tmp_path / "frames"
    folder.mkdir()
    for k, frame in enumerate(eyes_frames[:8]):
        image = Image.fromarray(frame).resize((100, 40) if k % 2 else (40, 90))
        image.save(folder / f"eye_{k}.{'png' if k % 3 else 'bmp'}")
    table, notes, out_h5 = tmp_path / "t.json", tmp_path / "notes", tmp_path / "out.h5"
    out = ["--out", table, "--labelme", notes, "--threshold", 0, *words]
    assert command("predict", "--run", eyes_run, "--input", folder, *out, *EN)[0] == 0
    status, printed, err = command(
        "pack", "--in_dir", notes, "--out_h5", out_h5, "--img_h", 48, "--img_w", 64, *words, *EN
    )
    assert status == 0, printed + err
    points = {}
    for row in json.loads(table.read_text()):
        if row["present"]:
            points[row["source"].rpartition("/")[2].partition(".")[0], row["led"]] = (row["x"], row["y"])
    with h5py.File(out_h5) as file:
        stems, keypoints = [stem.decode() for stem in file["stems"]], file["keypoints"][:]
    assert len(stems) == 8
    assert points
    from glint_unet.data.images import Placement

    for k, stem in enumerate(stems):
        size = (40, 100) if int(stem[-1]) % 2 else (90, 40)
        back = Placement.of(size, (48, 64), stretch=bool(words)).back(keypoints[k])
        for channel in range(keypoints.shape[1]):
            expected = points.get((stem, f"g{channel + 1}"), points.get((stem, channel + 1)))
            if expected is None:
                assert np.isnan(back[channel]).all()
            else:
                assert back[channel] == pytest.approx(expected, abs=2e-3)
