import dataclasses

import numpy as np
import pytest

from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.sensor import add_noise, light_field, motion_blurred, quantized


def test_light_is_even_without_vignetting_and_weaker_in_the_corners_with_it():
    even = light_field(np.random.default_rng(0), (20, 30), dataclasses.replace(LEVELS["hard"], vignetting=0.0))
    assert np.ptp(even) < 1e-6
    fields = [light_field(np.random.default_rng(k), (21, 31), LEVELS["hard"]) for k in range(30)]
    corners = np.mean([field[[0, 0, -1, -1], [0, -1, 0, -1]].mean() for field in fields])
    assert corners < np.mean([field[10, 15] for field in fields])


def test_motion_spreads_a_point_along_its_path():
    image = np.zeros((9, 9), np.float32)
    image[4, 4] = 1
    blurred = motion_blurred(image, np.array([4.0, 0.0]))
    assert blurred.sum() == pytest.approx(1)
    assert (blurred[4, 2:7] > 0).all()
    assert not blurred[3].any()
    assert motion_blurred(image, np.array([0.2, 0.2])) is image


def test_noise_has_the_standard_deviation_named_and_grows_with_the_light():
    dark, white = np.zeros((200, 200), np.float32), np.full((200, 200), 255, np.float32)
    for image in (dark, white):
        add_noise(np.random.default_rng(0), image, 3.0, 4.0)
    assert dark.std() == pytest.approx(3, rel=0.03)
    assert white.std() == pytest.approx(5, rel=0.03)


def test_eight_bits_round_and_clip():
    assert quantized(np.array([[-3.0, 1.4, 1.6, 999.0]], np.float32)).tolist() == [[0, 1, 2, 255]]
