import numpy as np
import pytest

from glint_unet.page.annotate_snap import snapped


def image_with(*spots):
    y, x = np.mgrid[:40, :60]
    shine = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 3) for a, b in spots)
    return (40 + 180 * np.clip(shine, 0, 1)).astype(np.uint8)


def test_a_point_beside_a_glint_moves_to_its_centre():
    assert snapped(image_with((30.3, 20.6)), 28, 22) == pytest.approx((30.3, 20.6), abs=0.1)
    assert snapped(image_with((2.2, 3.0)), 4, 4) == pytest.approx((2.2, 3.0), abs=0.3)


def test_a_glint_next_to_another_one_is_not_drawn_to_it():
    assert snapped(image_with((20, 20), (26, 20)), 20.5, 20.5) == pytest.approx((20, 20), abs=0.2)


def test_where_nothing_shines_the_point_stays():
    assert snapped(image_with((50, 30)), 10.25, 10.5) == (10.25, 10.5)
