"""A layout is placed where its glints are."""

import numpy as np

from glint_unet.layout.poses import ShiftPrior, Spots, Tolerance, layout_size, place
from tests.layout.spots import ring

LEDS = 40 * ring(5) + 3
EXACT = Tolerance(0.03, 0.1, squeezes=True)


def spots_at(places):
    return Spots(np.atleast_2d(places), np.ones((1, len(places))))


def test_shift_size_turn_and_squeeze_are_found():
    centred = LEDS - LEDS.mean()
    places = 100 + 80j + 1.1 * np.exp(0.05j) * centred + 0.04 * centred.conj()
    poses = place(LEDS, spots_at(places), Tolerance(0.02, 1.0, squeezes=True), None)
    assert poses.found.all()
    assert np.abs(poses.places()[0] - places).max() < 0.5
    assert abs(poses.shift[0] - (100 + 80j)) < 0.3
    assert abs(abs(poses.scale[0]) - 1.1) < 0.02
    assert np.abs(poses.in_frame(np.atleast_2d(places))[0] - centred).max() < 0.5


def test_missing_leds_are_not_found_and_two_share_no_peak():
    places = (LEDS - LEDS.mean() + 200)[:3]
    poses = place(LEDS, spots_at(places), EXACT, None)
    assert poses.found[0].tolist() == [True, True, True, False, False]
    assert len(set(poses.points[0, :3].tolist())) == 3


def test_where_two_places_are_as_good_the_usual_one_is_taken():
    pair = np.array([100 + 100j, 140 + 100j])
    left, right = (place(np.array([0, 40, 80.0]), spots_at(pair), EXACT, ShiftPrior(c + 100j, 5)) for c in (100, 140))
    assert left.shift[0].real < right.shift[0].real
    assert left.num_found == right.num_found == 2


def test_an_image_without_peaks_has_no_leds():
    poses = place(LEDS, Spots(np.zeros((1, 4), complex), np.zeros((1, 4))), EXACT, None)
    assert not poses.found.any()
    assert poses.scale[0] == 1


def test_peaks_of_low_score_do_not_count():
    spots = Spots.of(np.zeros((1, 3, 2)), np.array([[0.9, 0.3, 0.1]]))
    assert spots.weights.tolist() == [[0.9, 0.3, 0.0]]
    assert spots.num_sure.tolist() == [1]


def test_the_size_of_a_ring_is_its_radius():
    assert np.isclose(layout_size(7 * ring(6) + 5), 7)
