"""The figures of certainty: high for what moves together, none for chance."""

from dataclasses import replace

import numpy as np

from glint_unet.layout.certainty import Grade, certainty_of, same_leds
from glint_unet.layout.poses import Spots
from glint_unet.layout.search import find_layout
from tests.layout.spots import glints, ring


def test_a_layout_that_moves_is_sure_and_one_that_stands_still_less_so():
    spots = glints(ring(5), 24)
    found = find_layout(spots)
    assert found is not None
    certainty = certainty_of(found, spots)
    assert certainty.grade is Grade.SURE
    assert certainty.is_consistent
    assert certainty.again == 1
    assert certainty.error < 0.01
    assert 0.005 < certainty.spread.max() < 0.03
    assert 0.7 < certainty.seen.min() <= certainty.seen.max() <= 1
    assert certainty.moved > 0.3
    assert replace(certainty, moved=0.05).grade is Grade.FAIR
    assert replace(certainty, num_explained=8).grade is Grade.UNSURE
    assert not replace(certainty, error=0.2).is_consistent


def test_chance_is_no_layout():
    rng = np.random.default_rng(3)
    spots = Spots(rng.uniform(0, 600, (24, 4)) + 1j * rng.uniform(0, 400, (24, 4)), rng.uniform(0.5, 1, (24, 4)))
    found = find_layout(spots)
    assert found is None or not certainty_of(found, spots).is_consistent


def test_layouts_agree_in_the_leds_that_both_have():
    one, other = (find_layout(glints(leds, 20, seen=1.0, false=0)) for leds in (ring(6), ring(6)[:5]))
    assert one is not None
    assert other is not None
    num_same, distances = same_leds(other, one)
    assert num_same == 5
    assert distances.max() < 0.02
