"""The constellation from a run's record to the detector, the exported file and the figures."""

import functools
import json
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch

from glint_unet.config import TrainConfig
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import CheckpointError, SettingError
from glint_unet.inference.onnx_file import check_export, export_onnx
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import load_model
from glint_unet.model.assignment import assign
from glint_unet.model.constellation import Constellation
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.training.loop import train

RIG = Rig.ring(5, image_size=(48, 64), stride=2, level="easy")


@pytest.fixture(scope="module")
def five_leds(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """80 eyes of 5 LEDs, and a run on them."""
    directory = tmp_path_factory.mktemp("five")
    h5 = directory / "eyes.h5"
    list(write_synthetic(h5, RIG, num=80, seed=1))
    small: dict[str, Any] = {"base_channels": 3, "epochs": 3, "warmup_steps": 5, "save_freq": 0}
    config = TrainConfig(
        h5=str(h5), output_dir=str(directory / "run"), progress=False, lang="en", device="cpu", **small
    )
    return h5, train(config)


def images() -> Any:
    return render_eyes(RIG, 2, range(12))[0]


def test_a_run_learns_the_layout_from_its_training_images_and_records_it(five_leds):
    _, run = five_leds
    recorded = json.loads((run / "dataset.json").read_text())["constellation"]
    layout = np.array(Constellation.from_dict(recorded).layout)
    assert np.abs(layout - Constellation.from_layout(RIG.positions(), (1, 2)).layout).max() < 0.12
    assert load_model(run).constellation == Constellation.from_dict(recorded)


def test_validation_gives_f1_with_and_without_it(five_leds, command):
    h5, run = five_leds
    row = json.loads((run / "metrics.json").read_text())[-1]["val"]
    assert 0 <= row["f1_alone"] <= 1
    assert "f1_alone=" in (run / "training.log").read_text()
    out = h5.parent / "figures.json"
    status, shown, _ = command("evaluate", "--run", run, "--h5", h5, "--json", out, "--worst", 0, "--lang", "en")
    assert status == 0
    figures = json.loads(out.read_text())["figures"]
    best = load_model(run).epoch
    row = json.loads((run / "metrics.json").read_text())[best - 1]["val"]
    assert figures["f1"] == pytest.approx(row["f1"], abs=1e-6)
    assert figures["f1_alone"] == pytest.approx(row["f1_alone"], abs=1e-6)
    assert f"F1 {figures['f1_alone']:.3f}" in shown
    status, shown, _ = command("evaluate", "--run", run, "--h5", h5, "--no_constellation", "--worst", 0, "--lang", "en")
    assert f"F1 {figures['f1_alone']:.3f}" in shown
    assert "each decoded alone" not in shown


def test_the_detector_decodes_together_unless_told_otherwise(five_leds):
    _, run = five_leds
    together, alone = GlintDetector.load(run), GlintDetector.load(run, constellation=False)
    model = load_model(run)
    assert together.threshold == model.threshold
    assert alone.threshold == together.without_constellation().threshold == model.threshold_alone
    assert GlintDetector.load(run, constellation=False, threshold=0.3).threshold == 0.3
    frames = images()
    for one, other in zip(alone.candidates(frames), together.without_constellation().candidates(frames), strict=True):
        assert np.array_equal(one, other)
    assert not np.array_equal(alone.candidates(frames).scores, together.candidates(frames).scores)
    shown = GlintDetector.load(run, constellation=True, precise=True)(frames)
    assert shown.points.shape == (12, 5, 2)


def test_an_exported_file_gives_what_pytorch_gives_and_numpy_alone_can_assign(five_leds, tmp_path):
    _, run = five_leds
    path, frames = tmp_path / "model.onnx", images()
    export_onnx(load_model(run), path)
    assert check_export(load_model(run), path, frames) < 0.01
    ours, theirs = GlintDetector.load(run), GlintDetector.load(path)
    assert theirs.constellation == ours.constellation
    assert theirs.threshold == ours.threshold
    one, other = ours.candidates(frames), theirs.candidates(frames)
    same = np.linalg.norm(one.points - other.points, axis=-1) < 0.05
    assert same[one.present].mean() > 0.95
    session = onnxruntime.InferenceSession(path)
    names = [output.name for output in session.get_outputs()]
    found = dict(zip(names, session.run(None, {"images": frames}), strict=True))
    about = session.get_modelmeta().custom_metadata_map
    together = json.loads(about["constellation"])
    peaks = (found["peak_points"], found["peak_scores"], found["peak_sigmas"])
    assigned = assign(*peaks, Constellation.from_dict(together))
    assert np.allclose(assigned.points, other.points, atol=1e-3)
    assert together["threshold"] == ours.threshold
    assert float(about["threshold"]) == ours.without_constellation().threshold


@pytest.mark.slow
def test_an_exported_file_whose_layout_has_another_number_of_leds_is_refused(five_leds, tmp_path):
    path, of_six = tmp_path / "model.onnx", Constellation.from_layout(Rig.ring(6).positions(), (2, 20))
    export_onnx(load_model(five_leds[1])._replace(constellation=of_six), path)
    with pytest.raises(CheckpointError, match="6 LEDs"):
        GlintDetector.load(path)


def test_a_rig_of_fewer_than_four_leds_is_decoded_one_by_one(eyes_run, eyes_frames):
    detector = GlintDetector.load(eyes_run)
    assert detector.constellation is None
    assert detector.without_constellation() is detector
    assert "constellation" not in json.loads((eyes_run / "dataset.json").read_text())
    assert "f1_alone" not in json.loads((eyes_run / "metrics.json").read_text())[-1]["val"]
    with pytest.raises(SettingError, match="no constellation"):
        GlintDetector.load(eyes_run, constellation=True)


def test_a_damaged_record_of_the_layout_is_refused_and_a_run_without_one_is_decoded_one_by_one(five_leds, tmp_path):
    content = torch.load(five_leds[1] / "best_model.pth", weights_only=True)
    content["dataset"]["constellation"]["size_px"] = [3.0, -1.0]
    torch.save(content, tmp_path / "damaged.pth")
    with pytest.raises(CheckpointError):
        GlintDetector.load(tmp_path / "damaged.pth")
    content["dataset"]["constellation"] = Constellation.from_layout(Rig.ring(6).positions(), (2, 20)).to_dict()
    torch.save(content, tmp_path / "of_six.pth")
    for use in (GlintDetector.load, functools.partial(find_resume_point, output_dir=None)):
        with pytest.raises(CheckpointError, match="ValueError"):
            use(str(tmp_path / "of_six.pth"))
    del content["dataset"]["constellation"]
    torch.save(content, tmp_path / "old.pth")
    assert GlintDetector.load(tmp_path / "old.pth").constellation is None
