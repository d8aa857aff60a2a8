"""Smoothing reduces noise, keeps saccades and fills no gap."""

import numpy as np

from glint_unet.inference.predictor import Glints
from glint_unet.inference.smoothing import Smoother


def glints_of(points, sigma=0.3, present=None):
    points = np.asarray(points, np.float32)
    present = np.ones(points.shape[:2], bool) if present is None else present
    points = np.where(present[..., None], points, np.float32(np.nan))
    return Glints(points, present.astype(np.float32), np.full(points.shape[:2], sigma, np.float32), present)


def noisy(truth, sigma=0.3, seed=0):
    return truth + np.random.default_rng(seed).normal(0, sigma, truth.shape)


def test_noise_of_a_fixation_is_reduced_by_a_third_and_the_reported_sigma_says_so():
    truth = np.tile([[[100.0, 50.0], [140.0, 60.0]]], (200, 1, 1))
    smooth = Smoother(2)(glints_of(noisy(truth)))
    error = (smooth.points - truth)[50:].std()
    assert error < 0.3 * 2 / 3
    assert 0.5 < error / smooth.sigmas[50:].mean() < 1.5


def test_batches_and_single_frames_give_the_same():
    frames = glints_of(noisy(np.tile([[[100.0, 50.0]]], (20, 1, 1))))
    whole, one_by_one = Smoother(1)(frames), Smoother(1)
    parts = [one_by_one(Glints(*(part[k : k + 1] for part in frames))).points for k in range(20)]
    assert np.array_equal(whole.points, np.concatenate(parts))


def test_a_saccade_is_not_smeared_and_steady_motion_does_not_lag():
    jump = np.where(np.arange(60)[:, None, None] < 30, 100.0, 130.0) * np.ones((1, 1, 2))
    smooth = Smoother(1)(glints_of(jump))
    assert np.abs(smooth.points - jump).max() < 0.01
    pursuit = np.arange(100.0)[:, None, None] * [[[0.5, 0.2]]]
    assert np.abs(Smoother(1)(glints_of(pursuit)).points - pursuit)[30:].max() < 0.05


def test_a_blink_stays_empty_and_the_track_begins_anew_after_it():
    truth = np.tile([[[100.0, 50.0], [140.0, 60.0]]], (30, 1, 1))
    truth[20:] += 7
    present = np.ones((30, 2), bool)
    present[10:20, 0] = False
    smooth = Smoother(2)(glints_of(truth, present=present))
    assert np.isnan(smooth.points[10:20, 0]).all()
    assert np.isfinite(smooth.points[:, 1]).all()
    assert np.abs(smooth.points[20] - truth[20]).max() < 1e-3
