"""`glint-unet evaluate` on a small trained run."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from PIL import Image

from glint_unet.model.metrics import IN_LOG, ONLY_IN_JSON
from glint_unet.training.loop import train
from tests.original_unet import original_checkpoint
from tests.run_files import log_of, rows, settings

ROOT = Path(__file__).resolve().parent.parent.parent
EN = ("--lang", "en")


def test_evaluate_reports_the_metrics_of_validation(command, eyes_run, eyes_h5, tmp_path):
    status, out, err = command("evaluate", "--run", eyes_run, "--h5", eyes_h5, "--json", tmp_path / "e.json", *EN)
    assert status == 0, err
    figures = json.loads((tmp_path / "e.json").read_text())
    best = torch.load(eyes_run / "best_model.pth")
    val = best["metrics"]["val"]
    assert figures["num_images"] == 6
    assert figures["threshold"] == val["threshold"]
    assert figures["figures"]["calibration"] == pytest.approx(val["calibration"], abs=1e-5)
    assert figures["figures"]["f1"] >= val["f1"] - 1e-9  # the threshold was chosen for it
    assert [led["label"] for led in figures["leds"]] == ["g1", "g2"]
    assert sum(led["num_present"] for led in figures["leds"]) == sum(map(sum, figures["confusion"]))
    assert re.search("LED +present +found", out)
    assert f"F1 {figures['figures']['f1']:.3f}" in out
    picture = eyes_run / "evaluation_worst.png"
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 300
    status, out, _ = command("evaluate", "--run", eyes_run, "--h5", eyes_h5, "--split", "all", "--worst", 0, *EN)
    assert status == 0
    assert "60 images" in out


ONE_ANSWER = {
    "compact": {},
    "unet": {"arch": "unet", "lr": 1e-2},
    "outside": {"arch": "unet", "lr": 1e-2, "epochs": 1},  # peaks at the border, some of them beyond it
    "no_average": {"ema_decay": 0.0, "best_metric": "f1"},
}


@pytest.mark.parametrize("case", ONE_ANSWER)
def test_evaluate_gives_the_figures_that_the_log_gave_for_the_best_epoch(command, eyes_h5, tmp_path, case):
    run = tmp_path / "run"
    train(settings(eyes_h5, run, **{"base_channels": 4, "epochs": 8, "val_split": 0.4, **ONE_ANSWER[case]}))
    best = torch.load(run / "best_model.pth")["epoch"]
    (val,) = [row["val"] for row in rows(run) if row["epoch"] == best]
    status, out, _ = command("evaluate", "--run", run, "--h5", eyes_h5, "--json", tmp_path / "e.json", *EN)
    assert status == 0
    judged = json.loads((tmp_path / "e.json").read_text())
    figures = judged["figures"]
    for name in (*IN_LOG, *ONLY_IN_JSON):
        # pixels: convolutions round float32 otherwise in batches of another size
        close = 1e-5 if name.startswith(("px_", "sigma")) else 1e-6
        assert figures[name] == (None if val[name] is None else pytest.approx(val[name], abs=close)), name
    assert judged["threshold"] == figures["threshold"] == val["threshold"]
    assert judged["confusion"] == torch.load(run / "best_model.pth")["history"][-1]["val_confusion"]
    (line,) = re.findall(rf"Epoch {best:03}.*\n.*\n  Val: (.*)", log_of(run))
    for name in ("f1", "precision", "recall", "px_median"):
        shown = "-" if val[name] is None else format(val[name], ".4f")
        assert f" {name}={shown}" in line
    assert f" threshold={val['threshold']:.2f}" in line
    assert f"threshold {val['threshold']:.2f}" in out


def test_a_run_whose_log_measures_highest_pixels_is_pointed_out(command, eyes_run, eyes_h5, tmp_path):
    train(settings(eyes_h5, tmp_path / "run", epochs=1, decoding="argmax", arch="unet"))
    for run in (eyes_run, tmp_path / "run"):
        status, out, _ = command("evaluate", "--run", run, "--h5", eyes_h5, *EN)
        assert status == 0
        assert ("measures the highest pixels (--decoding argmax)" in out) == (run != eyes_run)


def test_an_evaluation_becomes_a_page(command, eyes_run, eyes_h5, tmp_path):
    words = ("--h5", eyes_h5, "--split", "all", "--worst", 0, "--html", tmp_path / "e.html")
    status, out, err = command("evaluate", "--run", eyes_run, *words, *EN)
    assert (status, err) == (0, "")
    assert f"Report: {tmp_path / 'e.html'}" in out
    page = (tmp_path / "e.html").read_text()
    f1, *_ = re.findall("<dd>(.*?)</dd>", page)
    assert f"F1 {f1}" in out
    assert page.count('class="eye"') == 9
    assert str(eyes_h5) in page


def test_evaluate_refuses_what_it_cannot_judge(command, eyes_run, eyes_h5, data, tmp_path):
    cases = {
        ("--h5", data): "has no validation split; add --split all",
        ("--h5", data, "--split", "all"): "has 3 LEDs, but the model has 2",
        ("--h5", tmp_path / "none.h5"): "none.h5",
        ("--h5", "synth:rig.toml"): "not a data set file",
        ("--h5", eyes_h5, "--json", tmp_path / "no" / "e.json"): "No such directory",
    }
    for words, fragment in cases.items():
        status, _, err = command("evaluate", "--run", eyes_run, *words, *EN)
        assert (status, err.count("\n")) == (2, 1), err
        assert fragment in err


def test_images_that_the_run_was_trained_on_are_counted(command, eyes_run, eyes_h5, data, tmp_path):
    words = ["evaluate", "--run", eyes_run, "--worst", 0, "--json", tmp_path / "e.json", *EN]
    for split, num in {"all": 54, "val": 0}.items():
        status, out, err = command(*words, "--h5", eyes_h5, "--split", split)
        assert status == 0, err
        assert json.loads((tmp_path / "e.json").read_text())["num_trained_on"] == num
        assert ("54 of them were used for training" in out) == (split == "all")


def test_an_onnx_file_is_judged_on_all_images_only(command, eyes_onnx, eyes_run, eyes_h5, tmp_path):
    words = ["evaluate", "--h5", eyes_h5, "--worst", 0, "--json", tmp_path / "e.json", *EN]
    assert command(*words, "--run", eyes_run, "--split", "all")[0] == 0
    ours = json.loads((tmp_path / "e.json").read_text())
    status, out, err = command(*words, "--run", eyes_onnx, "--split", "all")
    assert status == 0, err
    theirs = json.loads((tmp_path / "e.json").read_text())
    assert theirs["figures"]["f1"] == pytest.approx(ours["figures"]["f1"], abs=0.02)
    assert theirs["num_trained_on"] is None
    assert "some of these may have been used for training" in out
    status, _, err = command(*words, "--run", eyes_onnx)
    assert (status, err.count("\n")) == (2, 1), err
    assert "model.onnx does not record its validation images; add --split all" in err


def test_a_checkpoint_of_the_original_implementation_is_judged_on_all_images(command, data, tmp_path):
    words = ["evaluate", "--run", original_checkpoint(tmp_path / "best.pth"), "--h5", data, "--worst", 2, *EN]
    status, out, err = command(*words, "--split", "all")
    assert status == 0, err
    assert "20 images" in out
    assert (tmp_path / "evaluation_worst.png").is_file()
    status, _, err = command(*words)
    assert (status, err.count("\n")) == (2, 1), err
    assert "best.pth does not record its validation images; add --split all" in err


@pytest.mark.parametrize("language", ["zh", "en"])
def test_the_table_is_aligned_in_both_languages(command, eyes_run, eyes_h5, language):
    status, out, _ = command("evaluate", "--run", eyes_run, "--h5", eyes_h5, "--worst", 0, "--lang", language)
    assert status == 0
    lines = out.splitlines()
    (first,) = [k for k, line in enumerate(lines) if line.startswith("LED")]
    table = lines[first : first + 3]
    assert [line.split()[0] for line in table] == ["LED", "g1", "g2"]
    wide = [re.sub(r"[\u4e00-\u9fff]", "##", line) for line in table]
    assert len({len(line) for line in wide}) == 1
    ends = [[found.end() for found in re.finditer(r"\S+", line)][1:] for line in wide]
    assert ends[0] == ends[1] == ends[2]


def test_the_files_are_written_whoever_reads_the_text(eyes_run, eyes_h5, tmp_path):
    words = ["evaluate", "--run", eyes_run, "--h5", eyes_h5, "--json", tmp_path / "f.json"]
    words += ["--picture", tmp_path / "p.png", *EN]
    line = [sys.executable, "-u", "-m", "glint_unet", *map(str, words)]
    process = subprocess.Popen(line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    there = {p.name for p in tmp_path.iterdir()}
    process.stdout.close()
    assert "6 images" in first
    assert there == {"f.json", "p.png"}
    process.communicate()
    assert json.loads((tmp_path / "f.json").read_text())["num_images"] == 6
