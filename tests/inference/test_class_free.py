"""Class-free runs: training, resume, detector with the run's layout, another rig's and none, commands and export."""

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest

from glint_unet.config import TrainConfig
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import ResumeError, RigError, SettingError
from glint_unet.inference.onnx_file import PEAK_OUTPUTS, check_export, export_onnx
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import load_model
from glint_unet.model.assignment import assign
from glint_unet.model.constellation import Constellation
from glint_unet.model.metrics import PRESENT_FROM_SCORE
from glint_unet.training.loop import train
from tests.run_files import resumed, rows, same, settings, weights

FIVE = Rig.ring(5, image_size=(48, 64), stride=2, level="easy")
SIX_LEDS = "[leds]\nnumber = 6\nsize = [0.3, 0.42]\n[eye]\niris = [0.2, 0.5]\n"


def settings_of(h5: Path, run: Path, **changes: Any) -> TrainConfig:
    small: dict[str, Any] = {"base_channels": 4, "epochs": 6, "warmup_steps": 5, "save_freq": 0}
    common: dict[str, Any] = {"progress": False, "lang": "en", "device": "cpu", "class_free": True}
    return TrainConfig(h5=str(h5), output_dir=str(run), **{**small, **common, **changes})


@pytest.fixture(scope="module")
def five(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """80 eyes of 5 LEDs, and a class-free run on them."""
    directory = tmp_path_factory.mktemp("five")
    h5 = directory / "eyes.h5"
    list(write_synthetic(h5, FIVE, num=80, seed=1))
    return h5, train(settings_of(h5, directory / "run"))


@pytest.fixture(scope="module")
def two(eyes_h5: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A class-free run on the eyes of 2 LEDs, which have no constellation."""
    return train(settings_of(eyes_h5, tmp_path_factory.mktemp("two") / "run", epochs=12))


@pytest.fixture(scope="module")
def six_leds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A rig file of 6 LEDs."""
    path = tmp_path_factory.mktemp("rig") / "rig.toml"
    path.write_text(SIX_LEDS)
    return path


def frames(rig: Rig = FIVE) -> Any:
    return render_eyes(rig, 2, range(12))[0]


def test_the_network_has_one_heatmap_and_names_five_leds_by_their_layout(five):
    _, run = five
    model = load_model(run)
    assert (model.class_free, model.num_classes, model.num_heatmaps) == (True, 5, 1)
    assert model.network.state_dict()["heatmaps.1.weight"].shape[0] == 4  # one heatmap at stride 2, folded
    assert "output 1 heatmaps" in (run / "training.log").read_text()
    detector = GlintDetector.load(run)
    assert detector.labels() == ["g1", "g2", "g3", "g4", "g5"]
    assert detector.constellation == model.constellation
    assert detector(frames()).points.shape == (12, 5, 2)


def test_a_resumed_class_free_run_equals_one_never_interrupted(data, tmp_path):
    runs = tmp_path / "whole", tmp_path / "halves"
    for run, epochs in zip(runs, (4, 2), strict=True):
        train(settings(data, run, epochs=epochs, class_free=True))
    train(resumed(runs[1], epochs=4))
    assert rows(runs[0]) == rows(runs[1])
    for name in ("latest_checkpoint.pth", "best_model.pth"):
        assert same(*(weights(run / name) for run in runs))


def test_validation_without_a_layout_is_regardless_of_the_led(two):
    best = load_model(two).epoch
    val = rows(two)[best - 1]["val"]
    assert val["f1"] > 0.5
    assert val["f1"] == pytest.approx(val["f1_free"], abs=0.02)
    assert "f1_alone" not in val


def test_evaluate_gives_the_figures_of_validation(five, two, eyes_h5, command, tmp_path):
    out = tmp_path / "figures.json"
    for run, h5 in ((five[1], five[0]), (two, eyes_h5)):
        status, shown, err = command("evaluate", "--run", run, "--h5", h5, "--json", out, "--lang", "en")
        assert status == 0, err
        figures = json.loads(out.read_text())
        val = rows(run)[load_model(run).epoch - 1]["val"]
        for name in ("f1", "recall", "f1_free", *(["f1_alone"] if run == five[1] else [])):
            assert figures["figures"][name] == pytest.approx(val[name], abs=1e-6)
        assert ("regardless of the LED" in shown) == (run == two)
        assert [led["label"] for led in figures["leds"]][:2] == ["g1", "g2"]
    status, shown, _ = command("evaluate", "--run", five[1], "--h5", five[0], "--no_constellation", "--lang", "en")
    assert "regardless of the LED" in shown


def test_unnamed_glints_come_highest_first_and_their_names_say_so(two, five, eyes_frames, command, tmp_path):
    detector = GlintDetector.load(two)
    assert not detector.names_leds
    assert detector.labels() == ["glint1", "glint2"]
    found = detector.candidates(eyes_frames)
    assert (np.diff(found.scores, axis=1) <= 0).all()
    assert GlintDetector.load(five[1], constellation=False).labels()[4] == "glint5"
    precise = GlintDetector.load(two, precise=True).candidates(eyes_frames)
    sure = found.scores > 0.9
    assert (np.linalg.norm(precise.points - found.points, axis=-1)[sure] < 1).all()
    np.save(tmp_path / "x.npy", eyes_frames)
    out = tmp_path / "found.csv"
    h5 = tmp_path / "two.h5"
    list(write_synthetic(h5, Rig.ring(2, image_size=(48, 64), stride=2, level="easy"), num=3, seed=9))
    status, _, err = command("predict", "--run", two, "--input", h5, "--out", out, "--no_progress", "--lang", "en")
    assert status == 0, err
    with out.open(newline="") as table:
        assert [row["led"] for row in csv.DictReader(table)] == ["glint1", "glint2"] * 3


def test_another_rig_needs_no_training(five, six_leds, command, tmp_path):
    detector = GlintDetector.load(five[1], rig=six_leds)
    assert detector.num_classes == 6
    assert detector.labels()[-1] == "g6"
    six = Rig.ring(6, image_size=(48, 64), stride=2, level="easy")
    assert detector(frames(six)).points.shape == (12, 6, 2)
    h5, out = tmp_path / "six.h5", tmp_path / "found.csv"
    list(write_synthetic(h5, six, num=20, seed=3))
    words = ("--rig", six_leds, "--lang", "en")
    status, _, err = command("evaluate", "--run", five[1], "--h5", h5, "--split", "all", "--worst", 4, *words)
    assert status == 0, err
    status, _, err = command("predict", "--run", five[1], "--input", h5, "--out", out, "--no_progress", *words)
    assert status == 0, err
    with out.open(newline="") as table:
        assert len(list(csv.DictReader(table))) == 20 * 6


def test_a_run_without_a_layout_takes_one_and_its_threshold_stays_that_of_unnamed_glints(two, six_leds):
    model, detector = load_model(two), GlintDetector.load(two, rig=six_leds)
    assert detector.threshold == PRESENT_FROM_SCORE
    alone = detector.without_constellation()
    assert alone.threshold == model.threshold
    assert alone.labels()[-1] == "glint6"
    assert alone.candidates(frames()).points.shape == (12, 6, 2)


def test_the_layout_of_a_rig_file_has_the_size_that_the_file_states(six_leds):
    rig = Rig.read(six_leds)
    small, large = (Constellation.of_rig(rig, (side, 2 * side)) for side in (64, 128))
    assert small
    assert large
    assert np.allclose(np.array(large.size_px), 2 * np.array(small.size_px))
    least, greatest = small.size_px
    assert least < 0.2 * 0.3 * 64 < 0.5 * 0.42 * 64 < greatest


@pytest.mark.slow
def test_an_exported_class_free_model_gives_what_pytorch_gives(five, six_leds, tmp_path):
    path, images = tmp_path / "model.onnx", frames()
    export_onnx(load_model(five[1]), path)
    assert check_export(load_model(five[1]), path, images) < 0.01
    session = onnxruntime.InferenceSession(path)
    about = session.get_modelmeta().custom_metadata_map
    assert about["class_free"] == "true"
    assert json.loads(about["labels"])[0] == "glint1"
    found = dict(zip([o.name for o in session.get_outputs()], session.run(None, {"images": images}), strict=True))
    assert found["heatmaps"].shape == (12, 1, 24, 32)
    assert found["points"].shape == (12, 5, 2)
    assert found["peak_scores"].shape[2] == 1
    for rig in (None, six_leds):
        ours, theirs = (GlintDetector.load(source, rig=rig) for source in (five[1], path))
        assert ours.threshold == theirs.threshold
        one, other = ours.candidates(images), theirs.candidates(images)
        near = np.linalg.norm(one.points - other.points, axis=-1) < 0.05
        assert near[one.present].mean() > 0.8  # an uncertain network: its peaks are close to naming other LEDs
        assert theirs.constellation
        at, heights, sigmas = (found[name] for name in PEAK_OUTPUTS)
        assigned = assign(at, heights, sigmas, theirs.constellation)
        assert np.allclose(assigned.points, other.points, atol=1e-3)
        assert theirs.without_constellation().candidates(images).points.shape == one.points.shape


REFUSED: dict[str, Any] = {
    "fewer LEDs": ({}, "[leds]\nnumber = 3\n", RigError, "at least 4"),
    "one place": ({}, "[leds]\npositions = [[0.1, 0.1], [0.1, 0.1], [0.1, 0.1], [0.1, 0.1]]\n", RigError, "places"),
    "alone": ({"constellation": False}, SIX_LEDS, SettingError, "omit --rig"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_rig_that_says_nothing_is_refused(five, tmp_path, case):
    options, content, kind, fragment = REFUSED[case]
    rig = tmp_path / "rig.toml"
    rig.write_text(content)
    with pytest.raises(kind, match=fragment):
        GlintDetector.load(five[1], rig=rig, **options)


def test_a_network_with_a_heatmap_for_each_led_takes_no_rig_of_other_leds(eyes_run, eyes_onnx, six_leds, command):
    with pytest.raises(SettingError, match="6 LEDs, but the model of"):
        GlintDetector.load(eyes_run, rig=six_leds)
    with pytest.raises(SettingError, match="use the run directory"):
        GlintDetector.load(eyes_onnx, rig=six_leds)
    status, _, err = command("live", "--run", eyes_run, "--source", "none.avi", "--rig", six_leds, "--lang", "en")
    assert status == 2
    assert "--class_free" in err


def test_a_run_without_a_recorded_layout_is_given_that_of_a_rig_file(tmp_path, five):
    rig, run = tmp_path / "rig.toml", tmp_path / "run"
    rig.write_text("[leds]\nnumber = 5\nsize = [0.3, 0.42]\n")
    train(settings_of(five[0], run, epochs=1, class_free=False, decoding="argmax"))
    assert GlintDetector.load(run).constellation is None
    detector = GlintDetector.load(run, rig=rig)
    assert detector.constellation
    assert detector(frames()).points.shape == (12, 5, 2)


def test_what_contradicts_a_single_heatmap_is_refused(five, eyes_run, tmp_path):
    contradicting: tuple[dict[str, Any], ...] = ({"decoding": "argmax"}, {"div_weight": 0.1}, {"recipe": "original"})
    for values in contradicting:
        with pytest.raises(SettingError, match="--class_free"):
            TrainConfig.of_recipe(**{"recipe": "default", **values}, class_free=True)
    with pytest.raises(ResumeError, match="--class_free True -> False"):
        train(resumed(five[1], epochs=7, class_free=False))


def test_stored_heatmaps_are_merged_too(five, tmp_path):
    run = train(settings_of(five[0], tmp_path / "run", epochs=1, targets="file", augment=False, arch="unet"))
    assert load_model(run).network.out_conv.out_channels == 1
    assert GlintDetector.load(run)(frames()).points.shape == (12, 5, 2)
