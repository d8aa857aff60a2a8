"""What is learnt from a frame: certain glints; doubtful ones are painted over; absent ones are absent."""

from typing import Any

import numpy as np

from glint_unet.adaptation.agreement import Agreement, Findings
from glint_unet.adaptation.pseudo_labels import Rows, label, rows_of
from glint_unet.adaptation.views import View, show
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.inference.predictor import GlintDetector
from tests.conftest import EYES

GEOMETRY = show(np.zeros((64, 64), np.uint8), View(), (64, 64))[1]


def seen(
    certain: list[int], absent: list[int], points: list[Any], spots: list[Any], scores: list[Any]
) -> tuple[Agreement, Findings]:
    agreement = Agreement(
        np.array(points, np.float32), np.ones(len(points)), np.array(certain, bool), np.array(absent, bool)
    )
    sigmas = np.ones_like(scores, dtype=np.float32)
    views = (GEOMETRY,) * len(spots)
    return agreement, Findings(np.array(spots, np.float32), np.array(scores, np.float32), sigmas, views)


def test_only_certain_glints_have_points_and_only_doubtful_ones_are_painted_over():
    points = [[10, 10], [30, 10], [50, 10], [np.nan, np.nan]]
    spots = [[[10, 10], [30, 10], [50, 50], [5, 60]], [[10, 10], [30, 10], [20, 50], [60, 60]]]
    labels = label(*seen([1, 1, 0, 0], [0, 0, 0, 1], points, spots, [[0.9, 0.9, 0.4, 0.1]] * 2), 0.5)
    assert labels is not None
    assert np.isfinite(labels.points).all(axis=-1).tolist() == [True, True, False, False]
    assert labels.doubtful.tolist() == [[50, 50], [20, 50]]


def test_a_doubtful_led_seen_at_a_certain_glint_does_not_cost_that_glint():
    points = [[10, 10], [30, 10], [11, 10]]
    labels = label(*seen([1, 1, 0], [0, 0, 0], points, [[[10, 10], [30, 10], [11, 10]]], [[0.9, 0.9, 0.8]]), 0.5)
    assert labels is not None
    assert not len(labels.doubtful)


def test_a_frame_with_one_certain_glint_of_several_is_not_learnt_from():
    assert label(*seen([1, 0], [0, 1], [[10, 10], [np.nan] * 2], [[[10, 10], [3, 3]]], [[0.9, 0.0]]), 0.5) is None
    assert label(*seen([1], [0], [[10, 10]], [[[10, 10]]], [[0.9]]), 0.5) is not None


def test_rows_of_a_frame_show_its_glints_where_their_keypoints_are(eyes_run):
    detector = GlintDetector.load(eyes_run)
    contrasts = []
    for frame, truth in zip(*render_eyes(EYES, 2, range(30)), strict=True):
        rows = rows_of(detector, frame, "eye", 4, [0])
        given = rows.keypoints[0] if len(rows) else np.full((2, 2), np.nan)
        if not np.linalg.norm(given - truth, axis=-1).max() < 1.5:
            continue  # the network is wrong here
        assert rows.stems == ["eye_00", "eye_01", "eye_02", "eye_03"]
        for image, keypoints in zip(rows.images, rows.keypoints, strict=True):
            assert image.shape == detector.image_size
            for x, y in keypoints[np.isfinite(keypoints).all(axis=-1)]:
                row, column = round(float(y)), round(float(x))
                around = image[max(row - 4, 0) : row + 5, max(column - 4, 0) : column + 5]
                contrasts.append(float(around.max()) - float(np.median(around)))
    assert len(contrasts) > 8
    assert np.median(contrasts) > 50


def test_the_same_seed_gives_the_same_rows(eyes_run, eyes_frames):
    detector = GlintDetector.load(eyes_run)
    one, other = (rows_of(detector, eyes_frames[0], "eye", 3, [7, 0]) for _ in range(2))
    assert np.array_equal(one.images, other.images)
    assert np.array_equal(one.keypoints, other.keypoints, equal_nan=True)


def test_a_noisy_frame_gives_no_rows(eyes_run):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64)).astype(np.uint8)
    assert not len(rows_of(GlintDetector.load(eyes_run), noise, "noise", 3, [0]))


def test_the_last_rows_can_be_moved_elsewhere():
    rows = Rows()
    for k in range(5):
        rows.add(np.zeros((2, 2), np.uint8), np.zeros((1, 2), np.float32), str(k))
    assert rows.cut_last(2).stems == ["3", "4"]
    assert len(rows) == 3
