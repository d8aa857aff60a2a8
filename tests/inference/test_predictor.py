import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from glint_unet.config import TrainConfig
from glint_unet.data.images import Placement, place_image
from glint_unet.errors import CheckpointError, GlintError, SettingError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.training.loop import train


def centroid(images):
    """A stand-in for a perfect network: the centroid of an image's light, above its median."""
    points = []
    for image in images.astype(np.float64):
        light = np.clip(image - np.median(image), 0, None) ** 2
        rows, columns = np.mgrid[: image.shape[0], : image.shape[1]]
        points.append([(light * columns).sum() / light.sum(), (light * rows).sum() / light.sum()])
    ones = np.ones((len(images), 1), np.float32)
    return np.array(points, np.float32)[:, None], ones, ones * 0.5


def spot(size, x, y, sigma=6.0):
    rows, columns = np.mgrid[: size[0], : size[1]]
    return (250 * np.exp(-((rows - y) ** 2 + (columns - x) ** 2) / (2 * sigma**2))).astype(np.uint8)


@pytest.mark.parametrize("stretch", [True, False])
@pytest.mark.parametrize("size", [(64, 96), (128, 192), (100, 110), (240, 100), (90, 400)])
def test_points_are_in_the_frame_of_the_image_that_was_given(size, stretch):
    x, y = size[1] * 0.6 + 0.3, size[0] * 0.45
    glints = GlintDetector(centroid, (64, 96), 1, stretch=stretch)(spot(size, x, y))
    assert glints.points.shape == (1, 1, 2)
    assert np.abs(glints.points[0, 0] - [x, y]).max() <= 0.15 * max(1, size[0] / 64, size[1] / 96)
    assert glints.present.all()
    scale = Placement.of(size, (64, 96), stretch=stretch).mean_scale
    assert glints.sigmas[0, 0] == pytest.approx(0.5 / scale, rel=1e-5)


@given(H=st.integers(1, 500), W=st.integers(1, 500), h=st.integers(16, 300), w=st.integers(16, 300), s=st.booleans())
def test_a_placement_is_exact_there_and_back_and_keeps_the_image_inside(H, W, h, w, s):
    placement = Placement.of((H, W), (h, w), stretch=s)
    points = np.array([[-0.5, -0.5], [0.0, 0.0], [W - 0.5, H - 0.5], [W / 3, H / 7]])
    placed = placement.forth(points)
    assert np.allclose(placement.back(placed), points, atol=1e-3 * max(1, H, W))
    assert (placed >= -0.5 - 1e-3).all()
    assert (placed <= np.array([w, h]) - 0.5 + 1e-3).all()
    image = np.zeros((H, W), np.uint8)
    assert place_image(image, placement).shape == (h, w)


@given(
    H=st.integers(1, 300), W=st.integers(1, 300), x=st.floats(-40, 340), y=st.floats(-40, 340), score=st.floats(0, 1)
)
def test_a_glint_in_the_padding_is_not_present_in_the_image(H, W, x, y, score):
    def network(images):
        at = np.array([[[x, y]]], np.float32)
        return at, np.full((1, 1), score, np.float32), np.ones((1, 1), np.float32)

    glints = GlintDetector(network, (64, 96), 1, threshold=0.5).candidates(np.zeros((H, W), np.uint8))
    column, row = glints.points[0, 0]
    is_inside = -0.5 <= column <= W - 0.5 and -0.5 <= row <= H - 0.5
    assert bool(glints.present[0, 0]) == (np.float32(score) >= 0.5 and is_inside)


def test_the_padding_repeats_the_border_so_that_no_edge_appears():
    image = np.full((10, 30), 77, np.uint8)
    assert (place_image(image, Placement.of((10, 30), (32, 32))) == 77).all()


@pytest.mark.parametrize(
    "images",
    [
        np.zeros(4, np.uint8),
        np.zeros((4, 4), np.int64),
        np.zeros((1, 4, 4, 2), np.uint8),
        np.zeros((40, 60, 2), np.uint8),
        np.zeros((2, 3, 40, 60), np.uint8),
        np.zeros((2, 1, 40, 60), np.uint8),
        np.zeros((5, 3, 3), np.uint8),
        np.zeros((5, 1, 1), np.uint8),
        np.zeros((0, 4), np.uint8),
        np.full((4, 4), 1.5),
        np.full((4, 4), np.nan),
        np.full((4, 4), -1.0, np.float32),
    ],
)
def test_other_arrays_are_refused(images):
    with pytest.raises(SettingError, match=r"uint8|0\.\.1"):
        GlintDetector(centroid, (16, 16), 1)(images)


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    path = tmp_path_factory.mktemp("detector") / "run"
    small: dict[str, Any] = {"base_channels": 2, "epochs": 1, "progress": False, "device": "cpu", "lang": "en"}
    train(TrainConfig(h5=str(data), output_dir=str(path), **small))
    return path


def test_a_run_becomes_a_detector(run, tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (3, 32, 32), dtype=np.uint8)
    from_run = GlintDetector.load(run).candidates(images)
    from_file = GlintDetector.load(run / "latest_checkpoint.pth").candidates(images)
    assert from_run.points.shape == (3, 3, 2)
    assert np.array_equal(from_run.points, from_file.points)
    threshold = read_checkpoint(run / "best_model.pth")["metrics"]["val"]["threshold"]
    assert np.array_equal(from_run.present, from_run.scores >= threshold)
    assert GlintDetector.load(run, threshold=0.0)(images).present.all()
    with pytest.raises(CheckpointError, match="No such checkpoint"):
        GlintDetector.load(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="no best_model"):
        GlintDetector.load(tmp_path / "empty")
    with pytest.raises(CheckpointError, match="bare weights"):
        GlintDetector.load(run / "best_model_weights.pt")


def test_the_moving_average_is_what_is_deployed(run):
    content = read_checkpoint(run / "best_model.pth")
    weights = torch.load(run / "best_model_weights.pt")
    assert all(torch.equal(tensor, weights[name]) for name, tensor in content["ema_state_dict"].items())
    assert not all(torch.equal(tensor, weights[name]) for name, tensor in content["model_state_dict"].items())


def test_the_four_shifts_average_towards_the_truth():
    def biased(images):
        """Pulls every position to the centre of its 4x4 cell, as a network of stride 4 may."""
        points, scores, sigmas = centroid(images)
        cell = np.floor((points + 0.5) / 4) * 4 + 1.5
        return (points + 0.3 * (cell - points)).astype(np.float32), scores, sigmas

    generator = np.random.default_rng(0)
    places = [generator.uniform(20, 44, 2) for _ in range(40)]
    images = np.stack([spot((64, 64), x, y, 3.0) for x, y in places])
    errors = [
        np.linalg.norm(GlintDetector(biased, (64, 64), 1, precise=p)(images).points[:, 0] - places, axis=1).mean()
        for p in (False, True)
    ]
    assert errors[1] < 0.6 * errors[0]


def test_several_threads_may_share_a_detector(run):
    detector = GlintDetector.load(run)
    images = np.random.default_rng(1).integers(0, 255, (8, 4, 48, 40), dtype=np.uint8)
    expected = [detector.candidates(batch).points for batch in images]
    found = {}

    def work(k):
        found[k] = [detector.candidates(images[k]).points for _ in range(5)]

    threads = [threading.Thread(target=work, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for k in range(8):
        assert all(np.array_equal(points, expected[k]) for points in found[k])


def test_a_trailing_axis_of_one_changes_nothing():
    image = spot((64, 96), 40.3, 30.2)
    plain, with_axis = (GlintDetector(centroid, (64, 96), 1)(form) for form in (image, image[..., None]))
    assert with_axis.points.shape == (1, 1, 2)
    assert np.array_equal(plain.points, with_axis.points)


@pytest.mark.parametrize("kind", [str, Path])
def test_an_image_file_is_read_as_predict_reads_it(eyes_run, eyes_frames, tmp_path, kind):
    Image.fromarray(eyes_frames[0].astype(np.uint16) * 257).save(tmp_path / "eye.png")
    detector = GlintDetector.load(eyes_run)
    from_file, from_array = detector(kind(tmp_path / "eye.png")), detector(eyes_frames[0])
    assert np.array_equal(from_file.points, from_array.points, equal_nan=True)
    assert np.array_equal(from_file.scores, from_array.scores)
    with pytest.raises(GlintError, match=r"none\.png"):
        detector(kind(tmp_path / "none.png"))


def test_absent_leds_have_no_position_and_every_led_has_a_candidate(eyes_run, eyes_frames):
    detector = GlintDetector.load(eyes_run, threshold=0.6)
    glints, candidates = detector(eyes_frames), detector.candidates(eyes_frames)
    assert 0 < glints.present.sum() < glints.present.size
    assert np.array_equal(np.isfinite(glints.points), np.repeat(glints.present[..., None], 2, axis=-1))
    assert np.isfinite(candidates.points).all()
    assert np.array_equal(candidates.points[glints.present], glints.points[glints.present])
    for name in ("scores", "sigmas", "present"):
        assert np.array_equal(getattr(glints, name), getattr(candidates, name))


@pytest.mark.parametrize("threshold", [float("nan"), 5, -0.1, "0.5"])
def test_a_threshold_that_no_score_is_compared_with_is_refused(eyes_run, threshold):
    with pytest.raises(SettingError, match="threshold"):
        GlintDetector.load(eyes_run, threshold=threshold)
