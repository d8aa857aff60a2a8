"""The flags common to `predict`, `evaluate` and `live`."""

import dataclasses
import json

import numpy as np
import pytest

from glint_unet.cli.detector_arguments import DetectorArguments, finder
from glint_unet.cli.evaluate import EvaluateArguments
from glint_unet.cli.live import LiveArguments
from glint_unet.cli.predict import PredictArguments
from glint_unet.inference.predictor import GlintDetector

EN = ("--lang", "en")


@pytest.mark.parametrize("kind", [PredictArguments, EvaluateArguments, LiveArguments])
def test_every_command_that_runs_a_detector_has_all_of_its_switches(kind):
    assert issubclass(kind, DetectorArguments)
    assert {field.name for field in dataclasses.fields(DetectorArguments)} <= {f.name for f in dataclasses.fields(kind)}


def test_the_flags_become_the_detector_that_python_loads(eyes_run, eyes_frames):
    given = DetectorArguments(run=str(eyes_run), threshold=0.9, precise=True, stretch=True)
    loaded = GlintDetector.load(eyes_run, threshold=0.9, precise=True, stretch=True)
    frames = eyes_frames[:2, :40]
    for ours, theirs in zip(given.detector()(frames), loaded(frames), strict=True):
        assert (ours == theirs)[ours == ours].all()
    plain = DetectorArguments(run=str(eyes_run)).detector()
    assert (plain.threshold, plain.stretch) == (GlintDetector.load(eyes_run).threshold, False)


def test_evaluate_takes_the_switches_of_predict(command, eyes_run, eyes_h5, tmp_path):
    words = ["evaluate", "--run", eyes_run, "--h5", eyes_h5, "--worst", 0, "--json", tmp_path / "e.json", *EN]
    status, out, err = command(*words, "--threshold", 1, "--no_closer_look", "--stretch")
    assert status == 0, err
    assert "threshold 1.00 (given by --threshold)" in out
    figures = json.loads((tmp_path / "e.json").read_text())
    assert figures["threshold"] == 1
    assert sum(led["num_found"] for led in figures["leds"]) == 0
    assert "(chosen on the validation images)" in command(*words)[1]


def test_live_takes_the_switches_of_predict(command, eyes_run, eyes_video):
    words = ["live", "--run", eyes_run, "--source", eyes_video, "--num", 3, *EN]
    status, out, err = command(*words, "--precise", "--threshold", 0.5, "--stretch")
    assert status == 0, err
    assert "3 frames" in out
    status, _, err = command(*words, "--threshold", 2)
    assert (status, err.count("\n")) == (2, 1)


def test_a_model_of_one_image_size_looks_at_every_frame_whole_and_says_so(eyes_run, eyes_frames, capsys):
    detector = GlintDetector.load(eyes_run)
    detector.any_size = False
    found = finder(detector, "old.onnx", follow=True)(eyes_frames[:3])
    assert "old.onnx was exported by an earlier version" in "".join(capsys.readouterr())
    whole = finder(detector, "old.onnx", follow=False)(eyes_frames[:3])
    assert capsys.readouterr().out == ""
    assert np.array_equal(found.points, whole.points, equal_nan=True)
