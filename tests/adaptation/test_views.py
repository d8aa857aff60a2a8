"""Views of a frame show its glints where their geometry says."""

import numpy as np
import pytest

from glint_unet.adaptation.views import View, show


def frame_with_spot(rng, height, width, at, sigma):
    y, x = np.mgrid[:height, :width]
    return (250 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / 2 / sigma**2)).astype(np.uint8)


def centre_of(image):
    weights = image.astype(float) ** 2
    y, x = np.mgrid[: image.shape[0], : image.shape[1]]
    return np.array([(weights * x).sum(), (weights * y).sum()]) / weights.sum()


@pytest.mark.parametrize("seed", range(12))
def test_a_spot_appears_where_its_point_is_transformed_to_and_comes_back(seed):
    rng = np.random.default_rng(seed)
    height, width = rng.integers(60, 400, 2).tolist()
    size = int(rng.integers(8, 32)) * 4, int(rng.integers(8, 32)) * 4
    view = View(float(rng.uniform(0.8, 2)), float(rng.uniform(-15, 15)), tuple(rng.uniform(-0.1, 0.1, 2)))
    at = rng.uniform(0.4, 0.6, 2) * [width, height]
    spot = at + rng.uniform(-3, 3, 2)
    scale = min(size[0] / height, size[1] / width) * view.zoom
    image, geometry = show(frame_with_spot(rng, height, width, spot, 2 / scale), view, size, at)
    assert image.shape == size
    there = geometry.forth(spot)
    assert geometry.holds(there)
    assert np.abs(geometry.back(there) - spot).max() < 1e-3
    assert np.abs(centre_of(image) - there).max() < 0.1


def test_a_stretched_view_scales_both_axes_on_their_own():
    rng = np.random.default_rng(0)
    frame = frame_with_spot(rng, 100, 200, (120, 40), 6)
    image, geometry = show(frame, View(), (64, 64), stretch=True)
    assert np.allclose(geometry.scale, (0.32, 0.64))
    assert np.abs(centre_of(image) - geometry.forth(np.array([120.0, 40.0]))).max() < 0.1


def test_beyond_the_frame_its_border_is_continued():
    image, _ = show(np.full((20, 30), 77, np.uint8), View(zoom=0.3, turn_deg=10), (64, 64))
    assert (image == 77).all()


def test_gain_and_gamma_change_grey_levels_only():
    frame = np.full((32, 32), 64, np.uint8)
    plain, _ = show(frame, View(), (32, 32))
    bright, _ = show(frame, View(gain=1.5), (32, 32))
    dark, _ = show(frame, View(gamma=2), (32, 32))
    assert plain[16, 16] == 64
    assert bright[16, 16] == 96
    assert dark[16, 16] == 16


def test_nothing_is_held_outside_a_view_nor_where_there_is_no_point():
    _, geometry = show(np.zeros((32, 32), np.uint8), View(), (32, 32))
    points = np.array([[0, 0], [31.4, 31.4], [31.6, 5], [-0.6, 5], [np.nan, np.nan]])
    assert geometry.holds(points).tolist() == [True, True, False, False, False]
