"""A detector looked through in many views is more certain than in one."""

import numpy as np

from glint_unet.adaptation.looking import look, where_the_glints_are
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.inference.predictor import GlintDetector
from tests.conftest import EYES


def test_what_views_agree_on_is_right_at_least_as_often_as_what_one_view_finds(eyes_run):
    images, truth = render_eyes(EYES, 2, range(30))
    detector = GlintDetector.load(eyes_run)
    agreements = [look(detector, image)[0] for image in images]
    certain = np.stack([agreement.is_certain for agreement in agreements])
    places = np.stack([agreement.points for agreement in agreements])
    plain = detector(images)
    near, plain_near = (np.linalg.norm(points - truth, axis=-1) <= 5 for points in (places, plain.points))
    assert certain.sum() >= 0.7 * np.isfinite(truth[..., 0]).sum()
    assert (certain & near).sum() / certain.sum() >= plain_near.sum() / plain.present.sum()


def test_nothing_is_certain_in_noise(eyes_run):
    noise = np.random.default_rng(0).integers(0, 255, (48, 64)).astype(np.uint8)
    agreement, findings = look(GlintDetector.load(eyes_run), noise)
    assert not agreement.is_certain.any()
    assert len(findings.geometries) == len(findings.points)


def test_the_nearest_view_leaves_room_around_the_glints(eyes_run):
    detector = GlintDetector.load(eyes_run)
    frame = np.zeros((480, 640), np.uint8)
    points = np.array([[300, 200], [340, 200]], np.float32)
    at, zoom = where_the_glints_are(detector, frame, points)
    assert at.tolist() == [320, 200]
    shown_px = min(detector.image_size) / (zoom * detector.image_size[0] / 480)
    assert shown_px >= 2 * 40


def test_a_frame_as_small_as_the_input_is_hardly_enlarged(eyes_run):
    points = np.array([[30, 20], [33, 20]], np.float32)
    assert where_the_glints_are(GlintDetector.load(eyes_run), np.zeros((48, 64), np.uint8), points)[1] <= 1.5
