"""Whether images look like those of the training: on figures, and on small trained runs."""

import json
import math
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import settings as settings_of_hypothesis
from hypothesis import strategies as st

from glint_unet.data.appearance import Appearance
from glint_unet.data.images import Placement
from glint_unet.errors import CheckpointError
from glint_unet.inference.familiarity import ENOUGH_FRAMES, LEAST_FRAMES, Familiarity
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import load_model, recorded_split
from glint_unet.messages import set_language
from glint_unet.training.loop import train
from tests.run_files import resumed, settings

SIZE = (32, 32)
LOOKS_ALONE = Appearance((40.0, 120.0), (10.0, 60.0), (5.0, 9.0))  # as with another threshold than in validation
TRAINED = Appearance((40.0, 120.0), (10.0, 60.0), (5.0, 9.0), sigma_px=0.5, num_found=3.0)


def place(size: tuple[int, int]) -> Placement:
    return Placement.of(size, SIZE)


def frames(num: int, grey: float = 80, contrast: float = 20, size: float = 7, sigma: float = 0.2, leds: int = 4) -> Any:
    """Frames of 64x64 with these figures in the network input of half that size."""
    images = np.full((num, 64, 64), grey - contrast, np.float32)
    images[:, :, 32:] = grey + contrast
    ring = np.array([[1, 0], [0, 1], [-1, 0], [0, -1]]) * 2 * size + 32
    points = np.tile(ring.astype(np.float32), (num, 1, 1))
    points[:, leds:] = np.nan
    return images.clip(0, 255).astype(np.uint8), points, np.full((num, 4), 2 * sigma, np.float32)


def result(*parts: Any, trained: Appearance | None = TRAINED) -> Any:
    familiarity = Familiarity(trained, place)
    for part in parts:
        familiarity.add(*part)
    return familiarity.unfamiliar()


@pytest.mark.parametrize(
    ("change", "figure", "value", "said"),
    [
        ({"grey": 190}, "grey", 190, "--aug_intensity"),
        ({"grey": 25, "contrast": 12}, "grey", 25, "exposure"),
        ({"contrast": 3}, "contrast", 3, "illumination"),
        ({"size": 3, "sigma": 0.6}, "size_px", 3, "smaller than in training"),
        ({"size": 13, "sigma": 0.6}, "size_px", 13, "larger than in training"),
        ({"leds": 0}, "num_found", 0, "Hardly any glint"),
        ({"sigma": 1.5}, "sigma_px", 1.5, "glint-unet adapt"),
    ],
)
def test_the_figure_that_is_out_of_range_is_named_with_its_value_range_and_remedy(change, figure, value, said):
    assert result(frames(20)) is None
    found = result(frames(20, **change))
    assert found.figure == figure
    assert found.value == pytest.approx(value, rel=0.02, abs=0.1)
    assert found.num == 20
    line = found.describe()
    assert said in line
    assert "\n" not in line
    set_language("zh")
    assert "训练" in found.describe() or "验证" in found.describe()


@settings_of_hypothesis(max_examples=20)
@given(st.lists(st.sampled_from([7, 20]), min_size=1, max_size=120))
def test_only_a_majority_of_unlike_frames_is_reported(sizes):
    images, points, sigmas = frames(len(sizes), size=1)
    points = (points - 32) * np.array(sizes)[:, None, None] + 32
    compared = sizes[:ENOUGH_FRAMES]
    found = result((images, points, sigmas), trained=LOOKS_ALONE)
    assert found is None or (len(compared) >= LEAST_FRAMES and 2 * compared.count(20) >= len(compared))
    assert found or len(compared) < LEAST_FRAMES or 2 * compared.count(20) <= len(compared)


@settings_of_hypothesis(max_examples=20)
@given(st.lists(st.integers(1, 50), min_size=1, max_size=6))
def test_frames_count_the_same_in_any_batches_and_only_the_first_hundred_do(sizes):
    familiarity, whole = Familiarity(TRAINED, place), frames(sum(sizes), grey=200)
    start = 0
    for num in sizes:
        familiarity.add(*(part[start : start + num] for part in whole))
        start += num
    assert familiarity.is_complete == (start >= ENOUGH_FRAMES)
    assert familiarity.unfamiliar() == result(whole)
    if start >= LEAST_FRAMES:
        assert familiarity.unfamiliar().num == min(start, ENOUGH_FRAMES)


def test_eyes_of_another_size_are_not_reported_where_everything_is_found_as_surely_as_in_validation():
    assert result(frames(20, size=13)) is None
    assert result(frames(20, size=3)) is None
    found = result(frames(20, size=13, sigma=0.6))
    assert (found.figure, found.value) == ("size_px", pytest.approx(13))
    assert result(frames(20, size=13), trained=LOOKS_ALONE).figure == "size_px"


def test_blinks_are_not_unlike_but_an_input_without_glints_is():
    assert result(frames(40), frames(50, leds=0)) is None
    assert result(frames(10), frames(50, leds=0)).figure == "num_found"


def test_nothing_is_reported_without_a_record_or_where_validation_found_nothing():
    assert result(frames(20, grey=250), trained=None) is None
    unknown = Appearance(TRAINED.grey, TRAINED.contrast)
    assert result(frames(20, leds=0), trained=unknown) is None
    assert result(frames(20, sigma=9, size=13), trained=unknown) is None


def unfamiliar(detector: GlintDetector, images: np.ndarray) -> Any:
    familiarity, glints = detector.familiarity(), detector(images[..., None])
    familiarity.add(images, glints.points, glints.sigmas)
    return familiarity.unfamiliar()


def validation_images(run: Path, h5: Path, *, everything: bool = False) -> np.ndarray:
    with h5py.File(h5) as file:
        images: np.ndarray = file["images"][:]
    return images if everything else images[recorded_split(run)[0].val]


def test_a_runs_own_images_are_familiar(eyes_run, eyes_h5, eyes_frames, finished, four_epochs, data):
    for run, h5 in ((eyes_run, eyes_h5), (finished, data), (four_epochs, data)):
        for path in (run, run / "latest_checkpoint.pth"):
            detector = GlintDetector.load(path)
            assert detector.appearance is not None
            for part in (validation_images(run, h5), validation_images(run, h5, everything=True)):
                assert unfamiliar(detector, np.concatenate([part] * 3)) is None
    assert unfamiliar(GlintDetector.load(eyes_run), eyes_frames) is None


def test_inverted_dark_and_far_away_eyes_are_not(eyes_run, eyes_frames):
    detector = GlintDetector.load(eyes_run)
    assert unfamiliar(detector, 255 - eyes_frames).figure in ("grey", "num_found")
    assert unfamiliar(detector, eyes_frames // 8).figure in ("grey", "contrast")
    far = np.pad(eyes_frames, ((0, 0), (120, 120), (160, 160)), mode="edge")
    assert unfamiliar(detector, far).figure in ("size_px", "num_found")


def test_a_higher_threshold_is_not_taken_for_unlike_images(eyes_run, eyes_frames):
    detector = GlintDetector.load(eyes_run, threshold=0.999)
    assert detector(eyes_frames).present.mean() < 0.3
    assert unfamiliar(detector, eyes_frames) is None


def test_a_resumed_run_keeps_the_record_and_one_of_an_earlier_version_stays_silent(finished, data, tmp_path):
    kept = json.loads((finished / "dataset.json").read_text())["appearance"]
    run = train(settings(data, tmp_path / "run", epochs=1))
    checkpoint = run / "latest_checkpoint.pth"
    assert json.loads((run / "dataset.json").read_text())["appearance"] == kept
    train(resumed(run, epochs=2))
    assert torch.load(checkpoint, weights_only=True)["dataset"]["appearance"] == kept
    for name in ("latest_checkpoint.pth", "best_model.pth"):
        content = torch.load(run / name, weights_only=True)
        del content["dataset"]["appearance"]
        torch.save(content, run / name)
    train(resumed(run, epochs=3))
    assert "appearance" not in torch.load(checkpoint, weights_only=True)["dataset"]
    assert unfamiliar(GlintDetector.load(checkpoint), np.zeros((20, 32, 32), np.uint8)) is None


def test_a_damaged_record_is_refused_as_a_damaged_checkpoint(finished, tmp_path):
    content = torch.load(finished / "best_model.pth", weights_only=True)
    content["dataset"]["appearance"]["grey"] = [math.nan, 3.0]
    torch.save(content, tmp_path / "damaged.pth")
    with pytest.raises(CheckpointError):
        GlintDetector.load(tmp_path / "damaged.pth")


def test_an_exported_file_knows_it_too(eyes_onnx, eyes_run):
    assert GlintDetector.load(eyes_onnx).appearance == load_model(eyes_run).appearance
