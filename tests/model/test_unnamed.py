"""Glints of class-free networks where no constellation names them."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from glint_unet.model.assignment import assign
from glint_unet.model.constellation import Constellation
from glint_unet.model.unnamed import highest_peaks, in_order_of_truth, name_peaks

SEEDS = st.integers(0, 2**32 - 1)


def test_the_highest_peaks_come_first_and_missing_ones_have_score_zero():
    points = np.arange(6.0).reshape(1, 3, 2)
    scores, sigmas = np.array([[[0.9], [0.5], [0.2]]]), np.array([[0.1, 0.2, 0.3]])
    two = highest_peaks(points, scores, sigmas, 2)
    assert np.array_equal(two.points, points[:, :2])
    assert np.allclose(two.scores, [[0.9, 0.5]])
    five = highest_peaks(points, scores, sigmas, 5)
    assert five.points.shape == (1, 5, 2)
    assert np.allclose(five.scores, [[0.9, 0.5, 0.2, 0, 0]])
    assert np.isfinite(five.points).all()
    assert (five.sigmas > 0).all()


@settings(max_examples=100, deadline=None)
@given(seed=SEEDS)
def test_glints_in_any_order_are_put_where_their_leds_are(seed):
    rng = np.random.default_rng(seed)
    B, C = 3, int(rng.integers(1, 8))
    grid = rng.permutation(16)[:C]  # far apart
    truth = np.stack([np.stack([grid % 4, grid // 4], axis=-1) * 20.0] * B) + rng.uniform(-2, 2, (B, C, 2))
    order = np.stack([rng.permutation(C) for _ in range(B)])
    points = np.take_along_axis(truth, order[..., None], axis=1) + rng.uniform(-2, 2, (B, C, 2))
    absent = rng.random((B, C)) < 0.3
    names = order.astype(float)
    found, named = in_order_of_truth(np.where(absent[..., None], np.nan, truth), points, names)
    assert (np.sort(named, axis=1) == np.arange(C)).all()  # every glint once
    assert (named == np.arange(C))[~absent].all()
    assert (np.linalg.norm(found - truth, axis=-1) < 3)[~absent].all()


def test_the_higher_of_two_glints_at_one_place_takes_it_and_none_far_away_does():
    truth = np.array([[[10.0, 10.0], [60.0, 60.0]]])
    points = np.array([[[10.5, 10.0], [10.1, 10.0]]])
    found, number = in_order_of_truth(truth, points, np.array([[0, 1]]))
    assert number.tolist() == [[0, 1]]
    assert found.tolist() == points.tolist()


def test_a_constellation_names_the_peaks_and_without_one_the_highest_stay_unnamed():
    layout = np.array([[0, -1], [1, 0], [0, 1], [-1, 0]], float)
    known, rng = Constellation.from_layout(layout, (5, 40)), np.random.default_rng(0)
    points = (layout * 20 + 50)[None]
    scores, sigmas = rng.uniform(0.5, 0.9, (1, 4, 1)), np.full((1, 4), 0.3)
    for found, expected in (
        (name_peaks(points, scores, sigmas, 4, known), assign(points, scores, sigmas, known)),
        (name_peaks(points, scores, sigmas, 4, None), highest_peaks(points, scores, sigmas, 4)),
    ):
        assert all(np.array_equal(*pair) for pair in zip(found, expected, strict=True))
