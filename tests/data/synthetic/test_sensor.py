import dataclasses

import numpy as np
import pytest

from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_scene
from glint_unet.data.synthetic.sensor import (
    add_fixed_pattern,
    add_noise,
    exposed,
    light_field,
    motion_blurred,
    quantized,
    rim_of_headset,
)
from glint_unet.data.synthetic.variation import AS_THE_LEVEL, sample_variation


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


def test_exposure_keeps_the_order_of_grey_levels_and_does_nothing_without_variation():
    image = np.linspace(0, 255, 64, dtype=np.float32).reshape(8, 8)
    assert exposed(image, AS_THE_LEVEL) is image
    for k in range(20):
        taken = exposed(image, sample_variation(np.random.default_rng(k), 8, (0.1, 0.4)))
        assert (np.diff(taken.ravel()) > 0).all()


def test_the_headsets_rim_darkens_the_outside_and_leaves_the_eye():
    scene = sample_scene(np.random.default_rng(0), Rig.ring(4), LEVELS["easy"])
    rims = [rim_of_headset(np.random.default_rng(k), scene, (256, 256)) for k in range(20)]
    x, y = (round(float(v)) for v in scene.eye)
    assert all(rim[y, x] == 0 and 0 <= rim.min() <= rim.max() < 1 for rim in rims)
    assert any(rim[0, 0] > 0.5 for rim in rims)


def test_a_fixed_pattern_has_rows_columns_or_rings_of_the_amplitude_requested():
    kinds = set()
    for k in range(30):
        image = np.zeros((60, 80), np.float32)
        add_fixed_pattern(np.random.default_rng(k), image, 5.0)
        assert 2 < image.std() < 7
        kinds.add((bool(np.ptp(image, axis=1).max() < 1e-6), bool(np.ptp(image, axis=0).max() < 1e-6)))
    assert kinds == {(True, False), (False, True), (False, False)}
    untouched = np.zeros((6, 8), np.float32)
    add_fixed_pattern(np.random.default_rng(0), untouched, 0.0)
    assert not untouched.any()
