"""What images look like, as ranges that a run records."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glint_unet.data.appearance import Appearance, grey_levels, layout_sizes

NAN = math.nan


def test_the_size_of_a_layout_is_the_distance_of_its_glints_from_their_centre():
    ring = [[5.0, 0.0], [0.0, 5.0], [-5.0, 0.0], [0.0, -5.0]]
    hidden = [*ring[:2], [NAN, NAN], [NAN, NAN]]
    assert layout_sizes(np.array([ring, hidden, np.add(ring, 40)])) == pytest.approx([5, 5])
    assert layout_sizes(np.array([[[0.0, 0.0], [6.0, 8.0]], [[1.0, 1.0], [NAN, NAN]]])) == pytest.approx([5])
    assert layout_sizes(np.full((3, 1, 2), 4.0)).shape == (0,)


@settings(max_examples=20)
@given(st.integers(1, 60), st.integers(1, 6), st.integers(0, 99))
def test_nearly_all_images_are_within_the_ranges_of_their_own_appearance(num, num_leds, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(0, 256, (num, 6, 7)).astype(np.uint8)
    keypoints = rng.uniform(0, 7, (num, num_leds, 2)).astype(np.float32)
    keypoints[rng.random((num, num_leds)) < 0.3] = np.nan
    appearance = Appearance.of_images(images, keypoints)
    figures = {"grey": grey_levels(images)[0], "contrast": grey_levels(images)[1], "size_px": layout_sizes(keypoints)}
    for name, values in figures.items():
        pair = getattr(appearance, name)
        if name == "size_px" and len(values) < 10:
            assert pair is None
            continue
        assert np.mean((values < pair[0] - 0.01) | (values > pair[1] + 0.01)) <= max(0.05, 2 / len(values))
        assert pair[0] - 0.01 <= np.median(values) <= pair[1] + 0.01
    assert Appearance.from_dict(appearance.to_dict()) == appearance


def test_augmentation_widens_the_ranges():
    wide = Appearance((20.0, 100.0), (5.0, 50.0), (8.0, 16.0), sigma_px=0.5).widened(scale=2, gain=1.25)
    assert wide == Appearance((16.0, 125.0), (4.0, 62.5), (4.0, 32.0), sigma_px=0.5)


def test_widened_grey_levels_stay_below_white_unless_there_is_white():
    wide = Appearance((20.0, 214.0), (5.0, 110.0)).widened(scale=1.1, gain=1.22)
    assert wide.grey == pytest.approx((16.39, 255 - 41 / 1.22), abs=0.01)
    assert wide.contrast == pytest.approx((4.1, 127.5 - 17.5 / 1.22), abs=0.01)
    assert Appearance((20.0, 255.0), (5.0, 50.0)).widened(scale=1.1, gain=1.22).grey[1] == 255


@pytest.mark.parametrize(
    "change",
    [
        {"num_found": NAN},
        {"sigma_px": math.inf},
        {"grey": [9, 3]},
        {"contrast": "high"},
        {"size_px": [NAN, 3]},
        {"grey": None},
        {"sigma_px": "big"},
    ],
)
def test_a_damaged_record_is_refused(change):
    values = Appearance((20.0, 100.0), (5.0, 50.0), (8.0, 16.0)).to_dict()
    with pytest.raises((ValueError, TypeError)):
        Appearance.from_dict(values | change)


def test_the_record_of_an_earlier_version_has_no_appearance():
    assert Appearance.of_run({"md5": ""}, {"sigma_p95": 1.0}) is None
