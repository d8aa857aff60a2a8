"""The layout that moves together is found, whatever is missing and whatever else shines."""

import numpy as np
import pytest

from glint_unet.layout.poses import Spots
from glint_unet.layout.search import find_layout
from tests.layout.spots import TWO_COLUMNS, distance, glints, ring


@pytest.mark.parametrize("leds", [ring(6), TWO_COLUMNS, ring(3), np.array([-1.0, 1.0 + 0.2j])], ids=len)
def test_the_layout_is_found_to_a_fiftieth_of_its_size(leds):
    found = find_layout(glints(leds, 30))
    assert found is not None
    assert distance(found.leds, leds) < 0.02


def test_an_led_that_few_images_show_is_found_and_a_spot_that_stands_still_is_none():
    leds = np.append(ring(5), 0.3 + 0.1j)
    spots = glints(leds, 40, seen=1.0, false=0.0, moved=1.0)
    spots.weights[10:, 5] = 0  # the sixth LED, in ten images
    spots.at[:, 7], spots.weights[:, 7] = 300 + 220j, 0.9
    found = find_layout(spots)
    assert found is not None
    assert distance(found.leds, leds) < 0.02
    assert found.found.sum(axis=0).min() == 10


def test_nothing_moves_together_in_empty_images_and_in_single_glints():
    assert find_layout(Spots(np.zeros((30, 4), complex), np.zeros((30, 4)))) is None
    assert find_layout(glints(np.zeros(1, complex), 30, seen=1.0, false=0.0)) is None


def test_glints_all_at_one_place_are_no_layout():
    spots = glints(ring(4), 20)
    assert find_layout(Spots(np.full_like(spots.at, 5 + 5j), spots.weights)) is None
