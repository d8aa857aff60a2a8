"""The simplest form that fits, and the order of the LEDs."""

import numpy as np
import pytest

from glint_unet.layout.shape import shape_of
from tests.layout.spots import TWO_COLUMNS, ring


@pytest.mark.parametrize(("num", "start_deg"), [(3, -90), (6, -92), (8, -80), (16, -90)])
def test_a_ring_is_stated_by_its_number_and_start(num, start_deg):
    shuffled = np.random.default_rng(0).permutation(num)
    shape = shape_of(12 * ring(num, start_deg)[shuffled] + 40)
    assert shape.is_ring
    assert shape.start_deg == start_deg
    assert shuffled[shape.order].tolist() == list(range(num))
    assert shape.ring_error < 1e-9


def test_a_ring_between_two_leds_at_the_top_begins_with_the_right_one():
    assert shape_of(ring(4, -45)).start_deg == -45


def test_columns_are_stated_by_position_clockwise_from_the_top_right():
    shape = shape_of(TWO_COLUMNS)
    assert not shape.is_ring
    assert np.hypot(*shape.positions.T).max() == pytest.approx(1, abs=1e-3)
    assert (shape.positions[:, 0] > 0).tolist() == [True] * 3 + [False] * 3
    assert np.sign(shape.positions[:, 1]).tolist() == [-1, 0, 1, 1, 0, -1]


@pytest.mark.parametrize("step", [1 + 0.02j, 1j, -1])
def test_a_row_is_numbered_from_the_left_or_from_the_top(step):
    shape = shape_of(step * np.array([-2, 0.5, 3]))
    assert shape.is_row
    assert not shape.is_ring
    along = shape.positions[:, 0 if abs(step.real) > 0.5 else 1]
    assert (np.diff(along) > 0).all()


def test_one_led_is_a_ring_of_one():
    shape = shape_of(np.array([5 + 2j]))
    assert (shape.num_leds, shape.start_deg) == (1, -90)
