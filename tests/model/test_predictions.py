"""Errors, reports and order of predictions."""

import numpy as np
import pytest

from glint_unet.model.predictions import Predictions

NAN = float("nan")


def predictions(points, truth, scores=None):
    points, truth = np.array(points, np.float32), np.array(truth, np.float32)
    scores = np.ones(points.shape[:2], np.float32) if scores is None else np.array(scores, np.float32)
    return Predictions(points, scores, np.full_like(scores, 0.5), truth, (20, 30), 0.5)


def test_found_is_what_reaches_the_threshold_inside_the_image():
    given = predictions([[[1, 1], [1, 1], [31, 1]]], [[[1, 1], [NAN, NAN], [1, 1]]], [[0.5, 0.4, 0.9]])
    assert given.found.tolist() == [[True, False, False]]
    assert given.present.tolist() == [[True, False, True]]
    assert given.errors[0, 0] == 0
    assert np.isnan(given.errors[0, 1])


def test_the_worst_images_have_most_wrong_leds_then_the_largest_error():
    truth = [[[5, 5], [9, 9]]] * 4
    points = [[[5, 5], [9, 9]], [[5, 6.5], [9, 9]], [[5, 5], [9, 13]], [[5, 8], [9, 13]]]
    assert predictions(points, truth).worst_first().tolist() == [3, 2, 1, 0]


def test_each_led_has_a_report_of_its_own():
    given = predictions([[[6, 5], [9, 9]], [[6, 5], [9, 15]]], [[[5, 5], [9, 9]], [[5, 5], [NAN, NAN]]])
    first, second = given.led_reports(["g1", "g2"])
    assert (first.label, first.num_present, first.num_found, first.bias_x) == ("g1", 2, 2, 1.0)
    assert (second.num_present, second.num_found, second.precision) == (1, 2, 0.5)
    assert first.px_median == pytest.approx(1.0)
