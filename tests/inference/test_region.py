"""The part of a frame that the network sees while it follows an eye."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.inference.region import Region, middle

SQUARE = np.array([[0.0, 0.0], [40.0, 0.0], [40.0, 30.0], [0.0, 30.0]])


@given(st.floats(-200, 900), st.floats(-200, 900), st.floats(0.2, 1.0))
def test_a_region_holds_its_points_with_their_margin_and_has_sides_of_whole_cells(x, y, scale):
    region = Region.over(SQUARE + np.array((x, y)), np.array([scale, scale]), 16)
    assert region.size[0] % 32 == region.size[1] % 32 == 0
    assert region.size[1] < 40 * scale + 32 + 32
    assert region.holds(SQUARE + np.array((x, y)), 14)  # 16 less the rounding of its place
    assert not region.holds(SQUARE + np.array((x + 200 / scale, y)), 0)


def test_a_region_moves_without_changing_its_size():
    region = Region.over(SQUARE, np.array([0.5, 0.5]), 8)
    moved = region.around(middle(SQUARE) + 100)
    assert moved.size == region.size
    assert np.array(moved.window[:2]).tolist() == (np.array(region.window[:2]) + 100).tolist()
    assert moved.window[2:] == region.window[2:]


def test_points_of_the_network_input_are_those_of_the_window():
    region = Region.over(SQUARE + 100, np.array([0.5, 0.25]), 8)
    corner = np.array(region.window[:2])
    there = region.placement.forth(SQUARE + 100 - corner)
    assert np.abs(region.placement.back(there) + corner - SQUARE - 100).max() < 1e-3
    assert np.ptp(there, axis=0).round(1).tolist() == [20.0, 7.5]
