import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from glint_unet.model.metrics import PRESENT_FROM_SCORE, KeypointMetrics, pair_without_identity
from glint_unet.runs.progress import Best

NAN = torch.nan


def metrics_of(points, scores, truth):
    metrics = KeypointMetrics()
    scores = torch.tensor(scores)
    metrics.add(torch.tensor(points), scores, torch.ones_like(scores), torch.tensor(truth))
    return metrics


def test_right_missed_wrong_and_invented_glints_are_counted():
    truth = [[[10.0, 10.0], [20.0, 20.0], [30.0, 30.0], [NAN, NAN], [NAN, NAN]]]
    points = [[[10.0, 11.0], [20.0, 24.0], [30.0, 30.0], [40.0, 40.0], [0.0, 0.0]]]
    scores = [[0.9, 0.9, 0.1, 0.9, 0.1]]  # right, 4 px off, missed, invented, rightly silent
    summary = metrics_of(points, scores, truth).summary()
    assert summary["precision"] == summary["recall"] == summary["f1"] == pytest.approx(1 / 3)
    assert summary["f1_3px"] == pytest.approx(1 / 3)
    assert summary["f1_5px"] == pytest.approx(2 / 3)
    assert (summary["px_median"], summary["px_mean"], summary["px_p95"]) == (1.0, 2.5, 4.0)
    assert summary["px_error"] == 4.0  # of 1, 4 and infinity
    assert summary["presence"] == pytest.approx(3 / 5)
    assert summary["two_right"] == 0.0


def test_identity_counts_and_may_be_left_out():
    truth = [[[10.0, 10.0], [20.0, 20.0], [NAN, NAN]]]
    swapped = [[[20.0, 20.5], [10.0, 10.0], [0.0, 0.0]]]
    metrics = metrics_of(swapped, [[0.9, 0.9, 0.1]], truth)
    assert metrics.summary()["f1"] == 0
    assert metrics.summary()["f1_free"] == 1
    assert metrics.confusion() == [[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_a_missed_glint_is_in_the_last_column_of_the_confusion():
    metrics = metrics_of([[[10.0, 10.0], [50.0, 50.0]]], [[0.9, 0.9]], [[[10.0, 10.0], [20.0, 20.0]]])
    assert metrics.confusion() == [[1, 0, 0], [0, 0, 1]]


def test_two_predictions_cannot_share_one_glint():
    metrics = metrics_of([[[10.0, 10.0], [10.5, 10.0]]], [[0.9, 0.9]], [[[10.0, 10.0], [NAN, NAN]]])
    assert metrics.summary()["f1_free"] == pytest.approx(2 / 3)


def test_most_glints_missed_means_no_error_figure_not_a_good_one():
    summary = metrics_of([[[1.0, 1.0]] * 3], [[0.9, 0.1, 0.1]], [[[1.0, 1.0]] * 3]).summary()
    assert summary["px_median"] == 0
    assert summary["px_error"] is None


def test_batches_add_up():
    metrics = KeypointMetrics()
    for error in (0.0, 0.5, 1.0):
        metrics.add(torch.tensor([[[error, 0.0]]]), torch.ones(1, 1), torch.ones(1, 1), torch.zeros(1, 1, 2))
    summary = metrics.summary()
    assert (summary["f1"], summary["precision"], summary["recall"], summary["px_median"]) == (1, 1, 1, 0.5)
    assert summary["calibration"] == 0


def test_nothing_to_count_is_none_not_a_perfect_score():
    metrics = KeypointMetrics()
    empty = metrics.summary()
    assert set(empty.values()) == {None}
    metrics.add(torch.zeros(1, 1, 2), torch.zeros(1, 1), torch.ones(1, 1), torch.full((1, 1, 2), NAN))
    summary = metrics.summary()
    assert summary.keys() == empty.keys()
    assert {name for name, value in summary.items() if value is not None} == {"presence", "calibration"}


@pytest.mark.parametrize(("score", "share_right", "error"), [(0.8, 0.8, 0.0), (0.9, 0.5, 0.4), (0.6, 1.0, 0.4)])
def test_calibration_compares_the_score_with_what_came_true(score, share_right, error):
    truth = torch.zeros(10, 1, 2)
    points = truth.clone()
    points[round(10 * share_right) :] = 9.0
    metrics = KeypointMetrics()
    metrics.add(points, torch.full((10, 1), score), torch.ones(10, 1), truth)
    assert metrics.summary()["calibration"] == pytest.approx(error, abs=1e-5)


@given(seed=st.integers(0, 10**6), C=st.integers(1, 5))
@settings(max_examples=50)
def test_pairing_equals_the_plain_greedy_one(seed, C):
    generator = torch.Generator().manual_seed(seed)
    points, truth = torch.rand(3, C, 2, generator=generator) * 10, torch.rand(3, C, 2, generator=generator) * 10
    truth[torch.rand(3, C, generator=generator) < 0.3] = NAN
    found = torch.rand(3, C, generator=generator) < 0.7
    expected = set()
    for n in range(3):
        free = {
            (float((truth[n, i] - points[n, j]).norm()), i, j)
            for i, j in itertools.product(range(C), range(C))
            if found[n, j] and truth[n, i].isfinite().all()
        }
        while free:
            distance, i, j = min(free)
            expected.add((n * C + i, j, round(distance, 3)))
            free = {pair for pair in free if pair[1] != i and pair[2] != j}
    pairs = zip(*(part.tolist() for part in pair_without_identity(points, found, truth)), strict=True)
    assert {(i, j, round(d, 3)) for i, j, d in pairs} == expected


def test_the_best_epoch_is_what_best_metric_says():
    early = {"total": 0.1, "f1": 0.5, "px_error": None}
    late = {"total": 0.3, "f1": 0.9, "px_error": 0.4}
    for metric, better in (("total", early), ("f1", late), ("px_error", late)):
        worse = late if better is early else early
        first, second = Best.of_epoch(1, better, metric), Best.of_epoch(2, worse, metric)
        assert first.beats(second)
        assert not second.beats(first)
        assert first.beats(Best()) or better["px_error"] is None
    assert Best.of_epoch(1, early, "px_error").beats(Best())


def test_the_best_threshold_is_the_middle_of_those_at_which_nothing_is_wrong():
    metrics = metrics_of([[[1.0, 1.0], [9.0, 9.0]]] * 2, [[0.42, 0.11]] * 2, [[[1.0, 1.0], [NAN, NAN]]] * 2)
    assert metrics.best_threshold() == 0.25  # of 0.15 .. 0.4
    summary = metrics.summary(metrics.best_threshold())
    assert (summary["f1"], summary["threshold"]) == (1, 0.25)


def test_of_thresholds_that_are_nearly_as_good_the_best_is_the_one_nearest_to_point_six():
    scores = [[0.9]] * 60 + [[0.52]] * 2 + [[0.3]] * 20
    right = [[[1.0, 1.0]]] * 61 + [[[9.0, 9.0]]] * 21
    truth = [[[1.0, 1.0]]] * 61 + [[[NAN, NAN]]] + [[[1.0, 1.0]]] * 20
    metrics = metrics_of(right, scores, truth)
    best = metrics.summary(0.5)["f1"]
    assert best > metrics.summary(0.6)["f1"] > metrics.summary(0.2)["f1"]
    assert metrics.best_threshold() == 0.6


@pytest.mark.parametrize("truth", [NAN, 50.0])
def test_where_no_glint_is_there_or_found_by_any_threshold_the_threshold_is_one_half(truth):
    metrics = metrics_of([[[1.0, 1.0]]], [[0.3]], [[[truth, truth]]])
    assert metrics.best_threshold() == PRESENT_FROM_SCORE
    assert KeypointMetrics().best_threshold() == PRESENT_FROM_SCORE


def test_a_median_or_quantile_is_one_of_the_values():
    truth = torch.zeros(4, 1, 2)
    points = truth + torch.tensor([4.0, 1.0, 3.0, 2.0])[:, None, None] * torch.tensor([1.0, 0.0])
    summary = metrics_of(points.tolist(), [[0.9]] * 4, truth.tolist()).summary()
    assert (summary["px_median"], summary["px_p95"]) == (2, 4)
    assert (summary["sigma_p95"], summary["found_per_image"]) == (1, 1)


def test_a_point_outside_the_image_is_not_found():
    metrics = KeypointMetrics((20, 30))
    points = torch.tensor([[[29.4, 19.4], [29.6, 5.0], [5.0, 19.6], [-0.6, 5.0]]])
    metrics.add(points, torch.full((1, 4), 0.9), torch.ones(1, 4), points)
    assert metrics.summary()["recall"] == 0.25
    assert metrics.confusion()[1:] == [[0, 0, 0, 0, 1]] * 3
    assert metrics.best_threshold() == 0.6  # 0.05 .. 0.9 are equally good
