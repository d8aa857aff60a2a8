"""Labels beside points."""

import numpy as np
import pytest

from glint_unet.report.label_places import place_labels


def ring(num, radius, middle):
    angles = 2 * np.pi * np.arange(num) / num
    return np.stack([np.cos(angles), np.sin(angles)], axis=1) * radius + middle


@pytest.mark.parametrize("num", [2, 4, 8, 12])
@pytest.mark.parametrize("radius", [12, 60])
def test_labels_cover_neither_each_other_nor_a_point(num, radius):
    points, label = ring(num, radius, (170, 160)), np.array([26.0, 15.0])
    places = place_labels(points, (340, 320), (26, 15))
    apart = (np.abs(places[:, None] - places[None]) + 0.5 >= label).any(axis=-1)
    assert np.array_equal(apart, ~np.eye(num, dtype=bool))
    assert (np.abs(places[:, None] - points[None]) + 0.5 >= label / 2).any(axis=-1).all()


def test_labels_stay_inside_the_picture_even_where_all_points_are_one():
    for points in (np.zeros((5, 2)), np.full((1, 2), 99.0), ring(12, 3, (2, 97))):
        places = place_labels(points, (100, 100), (26, 14))
        assert places.shape == points.shape
        assert (places >= (13, 7)).all()
        assert (places <= (87, 93)).all()
    assert len(place_labels(np.zeros((0, 2)), (10, 10), (2, 2))) == 0
