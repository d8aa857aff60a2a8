"""`glint-unet evaluate` on a small trained run."""

import json

import pytest
import torch
from PIL import Image

EN = ("--lang", "en")


def test_evaluate_says_what_validation_said(command, eyes_run, eyes_h5, tmp_path):
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
    assert "LED  there  found" in out
    assert f"F1 {figures['figures']['f1']:.3f}" in out
    picture = eyes_run / "evaluation_worst.png"
    with Image.open(picture) as drawn:
        assert drawn.size[0] > 300
    status, out, _ = command("evaluate", "--run", eyes_run, "--h5", eyes_h5, "--split", "all", "--worst", 0, *EN)
    assert status == 0
    assert "60 images" in out


def test_evaluate_refuses_what_it_cannot_judge(command, eyes_run, eyes_h5, data, tmp_path):
    cases = {
        ("--h5", data): "has no validation split; add --split all",
        ("--h5", data, "--split", "all"): "has 3 LEDs, the model 2",
        ("--h5", tmp_path / "none.h5"): "none.h5",
        ("--h5", "synth:rig.toml"): "no data set file",
        ("--h5", eyes_h5, "--json", tmp_path / "no" / "e.json"): "No such directory",
    }
    for words, said in cases.items():
        status, _, err = command("evaluate", "--run", eyes_run, *words, *EN)
        assert (status, err.count("\n")) == (2, 1), err
        assert said in err
