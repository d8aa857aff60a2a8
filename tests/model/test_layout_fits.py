"""Fits of a layout, and the peaks that they are compared with."""

import numpy as np
import pytest

from glint_unet.model.constellation import Constellation
from glint_unet.model.layout_fits import Fits, Peaks, clipped, log_odds, pick, slope

SQUARE = Constellation.from_layout(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]), (2, 40))


def test_a_fit_says_where_every_led_is():
    number = np.array([[10 + 20j]], np.complex64)
    upright = Fits(number, np.full((1, 1), 5, np.complex64), np.zeros((1, 1), np.complex64))
    places = upright.places(SQUARE)
    assert np.allclose(np.abs(places - number), 5)
    squeezed = upright._replace(v=np.full((1, 1), 1, np.complex64)).places(SQUARE)[0, 0] - number
    assert np.ptp(squeezed.real) / np.ptp(squeezed.imag) == pytest.approx(6 / 4)
    assert upright.size2.tolist() == [[25]]


def test_peaks_are_ordered_by_height_and_never_fewer_than_two():
    points = np.array([[[1, 2], [3, 4], [5, 6]]], np.float32)
    scores = np.array([[[0.1, 0.2], [0.9, 0.3], [0.2, 0.6]]], np.float32)
    peaks = Peaks.of(points, scores, np.array([[1, 2, 3]], np.float32))
    assert peaks.at.tolist() == [[3 + 4j, 5 + 6j, 1 + 2j]]
    assert peaks.sigmas.tolist() == [[2, 3, 1]]
    assert (peaks.evidence[0, 0, 0] > peaks.evidence[0, 0, 1]).all()
    one = Peaks.of(points[:, :1], scores[:, :1], np.ones((1, 1), np.float32))
    assert one.scores[0].tolist() == [pytest.approx([0.1, 0.2]), [0, 0]]


@pytest.mark.parametrize("num_images", [1, 3])
def test_picking_is_the_same_for_one_image_and_for_several(num_images):
    rng = np.random.default_rng(0)
    values = rng.random((num_images, 7, 2))
    for shape in ((num_images, 4), (num_images, 4, 5)):
        index = rng.integers(0, 7, shape)
        expected = np.stack([one[where] for one, where in zip(values, index, strict=True)])
        assert np.array_equal(pick(values, index), expected)


def test_scores_and_turns_at_their_limits_stay_finite():
    assert np.isfinite(log_odds(np.array([0, 0.5, 1], np.float32))).all()
    assert clipped(np.array([-1.0, 0.5, 9.0]), 0, 1).tolist() == [0, 0.5, 1]
    turns = slope(np.exp(1j * np.radians([0, 45, -45, 90, 180])).astype(np.complex64))
    assert turns[:3].tolist() == pytest.approx([0, 1, 1], abs=1e-5)
    assert np.isfinite(turns).all()
    assert turns[3] > 100
