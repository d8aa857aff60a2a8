import json

import h5py
import numpy as np


def test_the_summary_is_printed_as_text_and_as_json(command, data):
    status, out, err = command("check", data, "--lang", "en")
    assert (status, err) == (0, "")
    assert "20 images of 32x32" in out
    assert "g3: present" in out
    figures = json.loads(command("check", data, "--json")[1])
    assert figures["info"]["num_classes"] == 3
    assert "key" not in figures["info"]


def test_labels_are_drawn_over_images_before_training(command, data, tmp_path):
    status, out, err = command("check", data, "--picture", tmp_path / "labels.png", "--lang", "en")
    assert (status, err) == (0, "")
    assert str(tmp_path / "labels.png") in out
    assert (tmp_path / "labels.png").read_bytes().startswith(b"\x89PNG")
    status, _, err = command("check", data, "--picture", tmp_path / "no" / "labels.png", "--lang", "en")
    assert (status, err.count("\n")) == (2, 1)


def test_minus_one_for_absent_is_refused_in_one_line_with_the_fix(command, private_data):
    with h5py.File(private_data, "r+") as file:
        keypoints = file["keypoints"][:]
        keypoints[4, 2] = -1
        file["keypoints"][:] = keypoints
        file["present"][4, 2] = 1
    for words in (
        ["check", private_data],
        ["train", "--h5", private_data, "--output_dir", private_data.parent / "run"],
    ):
        status, _, err = command(*words, "--lang", "en")
        assert status == 2
        assert "row 4" in err
        assert "store NaN" in err
        assert len(err.splitlines()) == 1
    assert not (private_data.parent / "run").exists()


def test_heatmaps_normalised_by_their_sum_are_refused_in_one_line_with_the_fix(command, tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["images"] = np.zeros((12, 32, 32), np.uint8)
        file["heatmaps"] = np.full((12, 2, 16, 16), 1 / 256, np.float32)
    status, _, err = command("check", tmp_path / "a.h5", "--lang", "en")
    assert status == 2
    assert "divide each heatmap by its maximum" in err
    assert len(err.splitlines()) == 1
