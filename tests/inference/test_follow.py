"""Following an eye gives what full looks give, and finds it again after a jump, a blink and a cut."""

import numpy as np
import pytest

from glint_unet.inference.follow import Follower
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.constellation import Constellation
from tests.inference.test_closer_look import LAYOUT, brightness, dots

SEEN: list[tuple[int, ...]] = []


def recorded(images):
    SEEN.append(images.shape[1:])
    return brightness(images)


@pytest.fixture
def detector():
    SEEN.clear()
    constellation = Constellation.from_layout(LAYOUT, (2, 30))
    return GlintDetector(recorded, (128, 128), len(LAYOUT), constellation=constellation, stride=1)


def eye(x, y, size=24.0):
    return LAYOUT * size + np.array((x, y))


NOTHING = np.full((360, 420), 10, np.uint8)


def test_a_moving_eye_is_followed_in_a_small_region_as_exactly_as_by_full_looks(detector):
    truths = [eye(150 + 2.3 * k, 120 + 1.1 * k) for k in range(30)]
    frames = np.stack([dots(truth) for truth in truths])
    full = detector(frames)
    SEEN.clear()
    follower = Follower(detector)
    followed = follower.batch(frames)
    assert followed.present.all()
    assert (follower.num_frames, follower.num_full_looks) == (30, 1)
    assert max(np.prod(size) for size in SEEN[2:]) < 128 * 128
    errors = [np.linalg.norm(found.points - truths, axis=-1) for found in (followed, full)]
    assert np.median(errors[0]) < 1.1 * np.median(errors[1])
    assert np.abs(followed.points - full.points).max() < 0.3


def test_a_jump_out_of_the_region_is_found_in_the_same_frame(detector):
    follower = Follower(detector)
    for truth in (eye(120, 120), eye(121, 120), eye(300, 240), eye(301, 240)):
        found = follower(dots(truth))
        assert found.present.all()
        assert np.abs(found.points[0] - truth).max() < 0.6
    assert follower.num_full_looks == 2


def test_nothing_is_found_in_a_blink_and_few_looks_are_in_vain(detector):
    follower = Follower(detector)
    follower(dots(eye(200, 180)))
    for _ in range(40):
        assert not follower(NOTHING).present.any()
    assert follower.num_full_looks <= 7
    assert follower(dots(eye(204, 182))).present.all()
    assert follower.num_full_looks <= 7  # it reopens where it closed: the region shows it


def test_an_eye_that_reopens_elsewhere_is_found_within_sixteen_frames(detector):
    follower = Follower(detector)
    follower(dots(eye(120, 120)))
    for _ in range(40):
        follower(NOTHING)
    elsewhere = dots(eye(310, 240))
    assert any(follower(elsewhere).present.all() for _ in range(16))


def test_few_spots_in_a_blink_do_not_take_the_place_of_the_layout(detector):
    follower = Follower(detector)
    follower(dots(eye(200, 180)))
    spots = dots([(60, 300), (80, 310)])
    for _ in range(40):
        follower(spots)
    found = follower(dots(eye(201, 181)))
    assert found.present.all()
    assert np.abs(found.points[0] - eye(201, 181)).max() < 0.6


def test_the_whole_frame_is_looked_at_every_n_frames(detector):
    follower = Follower(detector, every=10)
    frame = dots(eye(200, 180))
    for _ in range(31):
        follower(frame)
    assert follower.num_full_looks == 4


def test_frames_of_another_size_begin_anew(detector):
    follower = Follower(detector)
    follower(dots(eye(200, 180)))
    found = follower(dots(eye(90, 90), size=(200, 200)))
    assert follower.num_full_looks == 2
    assert np.abs(found.points[0] - eye(90, 90)).max() < 0.6


def test_a_layout_that_fills_the_input_is_not_followed(detector):
    detector.constellation = Constellation.from_layout(LAYOUT, (2, 70))
    follower = Follower(detector)
    for _ in range(3):
        assert follower(dots(LAYOUT * 55 + 64, size=(128, 128))).present.any()
    assert follower.num_full_looks == 3


def test_leds_without_a_constellation_are_followed_too(detector):
    alone = detector.without_constellation()
    follower = Follower(alone)
    truths = [np.array([[200.0 + 3 * k, 180.0]]) for k in range(5)]
    for truth in truths:
        found = follower(dots(truth, sigma=5.0))
        assert found.present.all()
        assert np.abs(found.points[0] - truth).max() < 1.5
    assert follower.num_full_looks == 1
