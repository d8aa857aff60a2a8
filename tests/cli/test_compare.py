"""`glint-unet compare`."""

import csv
import io
import json
import shutil

import pytest


@pytest.fixture
def other(finished, tmp_path):
    """A copy of the finished run with another learning rate and split."""
    run = tmp_path / "other"
    shutil.copytree(finished, run)
    for name, change in (("training_args.json", {"lr": 0.5}), ("split.json", {"val": [1]})):
        (run / name).write_text(json.dumps(json.loads((run / name).read_text()) | change))
    return run


def test_differences_metrics_leds_and_verdicts_are_printed(finished, other, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    status, out, err = command("compare", finished, other, "--lang", "en")
    assert (status, err) == (0, "")
    rows = [line.split() for line in out.splitlines()]
    assert ["lr", "0.004", "0.5"] in rows
    assert not any(row[0] in ("seed", "output_dir", "batch") for row in rows)
    assert [row[:2] for row in rows if row[0] == "recall"][1:] == [["recall", "g1"], ["recall", "g2"], ["recall", "g3"]]
    assert "Data set: the same (MD5)" in out
    assert "Training and validation images: different" in out
    assert (tmp_path / "comparison.png").stat().st_size > 10_000
    assert "Picture: comparison.png" in out


def test_json_and_csv(finished, other, command, tmp_path):
    picture = ["--picture", tmp_path / "p.png"]
    content = json.loads(command("compare", finished, other, "--json", *picture)[1])
    assert content["settings"] == {"lr": [0.004, 0.5]}
    assert (content["same_data"], content["same_split"]) == (True, False)
    rows = list(csv.DictReader(io.StringIO(command("compare", finished, other, "--csv", *picture)[1])))
    assert [row["lr"] for row in rows] == ["0.004", "0.5"]
    assert {"run", "f1", "best_epoch", "recall_g1"} <= rows[0].keys()


def test_mistakes_are_one_line(finished, command, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for words in ([finished], [finished, tmp_path], [finished, finished, "--picture", "none/p.png"], []):
        status, out, err = command("compare", *words, "--lang", "en")
        assert (status, out, err.count("\n")) == (2, "", 1)
    assert list(tmp_path.iterdir()) == []
