import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.data.synthetic.canvas import smooth, smooth_noise, splat, window_around


def test_splat_keeps_amount_and_centroid_of_a_point_between_pixels():
    image = splat(np.array([[3.25, 5.5]]), np.array([2.0]), (8, 10))
    rows, columns = np.mgrid[:8, :10]
    assert image.sum() == pytest.approx(2)
    assert (image * columns).sum() / 2 == pytest.approx(3.25)
    assert (image * rows).sum() / 2 == pytest.approx(5.5)


@given(x=st.floats(-1e4, 1e4), y=st.floats(-1e4, 1e4), reach=st.floats(0, 1e3))
def test_a_window_lies_in_the_image_wherever_its_centre_is(x, y, reach):
    rows, columns = window_around(np.array([x, y]), reach, (12, 20))
    assert 0 <= rows.start <= rows.stop <= 12
    assert 0 <= columns.start <= columns.stop <= 20
    for row in range(12):
        assert abs(row - y) > reach or rows.start <= row < rows.stop


def test_splat_drops_what_lies_outside():
    assert not splat(np.array([[-5.0, 2.0], [3.0, 99.0]]), np.ones(2), (8, 8)).any()


def test_smoothing_leaves_an_even_image_as_it_is_and_spreads_a_point():
    even, spot = np.full((6, 6), 7, np.float32), np.zeros((7, 7), np.float32)
    spot[3, 3] = 16
    smooth(even)
    smooth(spot)
    assert (even == 7).all()
    assert spot[2:5, 2:5].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]


def test_smooth_noise_is_bounded_and_smooth():
    noise = smooth_noise(np.random.default_rng(0), (64, 48), 4, 10)
    assert noise.shape == (64, 48)
    assert 3 < np.abs(noise).max() <= 10
    assert np.abs(np.diff(noise, axis=0)).max() < 10 * 2 * 4 / 63 + 1e-3
