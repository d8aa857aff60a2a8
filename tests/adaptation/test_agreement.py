"""What views agree on: where most of them find a glint, and nothing else."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glint_unet.adaptation.agreement import Findings, agree
from glint_unet.adaptation.views import View, show

GEOMETRY = show(np.zeros((128, 128), np.uint8), View(), (128, 128))[1]
FAR = show(np.zeros((128, 128), np.uint8), View(zoom=0.5), (128, 128))[1]
NEAR = show(np.zeros((128, 128), np.uint8), View(zoom=4), (128, 128), np.array([20.0, 20.0]))[1]


def findings(points, scores, sigmas=0.2, geometries=None):
    points = np.asarray(points, np.float32)
    scores = np.broadcast_to(np.asarray(scores, np.float32), points.shape[:2])
    sigmas = np.broadcast_to(np.asarray(sigmas, np.float32), points.shape[:2])
    return Findings(points, scores, sigmas, geometries or (GEOMETRY,) * len(points))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 12), st.integers(1, 6))
def test_what_most_views_find_is_certain_and_as_exact_as_their_mean(seed, num_views, num_leds):
    rng = np.random.default_rng(seed)
    truth = np.stack([np.arange(num_leds) * 20 + 10, rng.uniform(10, 110, num_leds)], axis=-1)
    points = truth + rng.normal(0, 0.15, (num_views, num_leds, 2)).clip(-0.35, 0.35)
    strays = rng.permutation(num_views)[: int(0.3 * num_views)]
    points[strays] = rng.uniform(0, 127, (len(strays), num_leds, 2))
    agreement = agree(findings(points, rng.uniform(0.6, 1, (num_views, num_leds))), 0.5)
    assert agreement.is_certain.all()
    assert not agreement.is_absent.any()
    assert np.linalg.norm(agreement.points - truth, axis=-1).max() < 0.5


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(5, 12))
def test_views_in_another_order_agree_on_the_same(seed, num_views):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 127, (1, 4, 2)) + rng.normal(0, 1, (num_views, 4, 2))
    scores, order = rng.uniform(0, 1, (num_views, 4)), rng.permutation(num_views)
    one, other = agree(findings(points, scores), 0.5), agree(findings(points[order], scores[order]), 0.5)
    assert np.allclose(one.shares, other.shares)
    assert one.is_certain.tolist() == other.is_certain.tolist()
    assert one.is_absent.tolist() == other.is_absent.tolist()


def test_a_glint_that_views_place_differently_is_neither_certain_nor_absent():
    points = [[[10 * view, 30]] for view in range(8)]
    agreement = agree(findings(points, 0.9), 0.5)
    assert not agreement.is_certain.any()
    assert not agreement.is_absent.any()
    assert agreement.shares[0] == pytest.approx(1 / 8)


def test_a_glint_that_no_view_finds_is_absent_unless_scores_come_near_the_threshold():
    points = np.full((8, 2, 2), 30.0)
    scores = np.tile([0.05, 0.4], (8, 1))
    agreement = agree(findings(points, scores), 0.5)
    assert agreement.is_absent.tolist() == [True, False]
    assert np.isnan(agreement.points).all()


def test_two_leds_at_one_place_are_both_uncertain():
    agreement = agree(findings(np.full((8, 2, 2), 30.0), 0.9), 0.5)
    assert not agreement.is_certain.any()


def test_an_led_that_few_views_confuse_does_not_make_the_true_one_uncertain():
    points = np.full((8, 2, 2), 30.0)
    scores = np.tile([0.9, 0.1], (8, 1))
    scores[0, 1] = 0.6
    agreement = agree(findings(points, scores), 0.5)
    assert agreement.is_certain.tolist() == [True, False]


def test_a_larger_predicted_sigma_lets_views_differ_more():
    points = [[[30 + 1.5 * view, 30]] for view in range(3)]
    assert not agree(findings(points, 0.9, sigmas=0.2), 0.5).is_certain[0]
    assert agree(findings(points, 0.9, sigmas=1.0), 0.5).is_certain[0]


def test_a_coarse_view_may_be_a_pixel_of_its_own_away():
    points = [[[30, 30]], [[31.8, 30]], [[31.8, 30]]]
    assert agree(findings(points, 0.9), 0.5).shares[0] == pytest.approx(2 / 3)
    assert agree(findings(points, 0.9, geometries=(GEOMETRY, FAR, FAR)), 0.5).shares[0] == 1


def test_a_view_that_does_not_show_the_place_has_no_say():
    points, scores = np.full((4, 1, 2), 100.0), np.array([[0.9], [0.9], [0.0], [0.0]])
    assert agree(findings(points, scores), 0.5).shares[0] == pytest.approx(0.5)
    assert agree(findings(points, scores, geometries=(GEOMETRY, GEOMETRY, NEAR, NEAR)), 0.5).shares[0] == 1


def test_findings_add_up():
    one, other = findings(np.zeros((2, 1, 2)), 0.9), findings(np.ones((3, 1, 2)), 0.1)
    both = one + other
    assert both.points.shape == (5, 1, 2)
    assert len(both.geometries) == 5
    assert np.array_equal(both.first(2).scores, one.scores)
