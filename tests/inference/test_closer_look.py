import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.inference.closer_look import Window, closer_windows, closer_windows_of_unnamed, highest
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.constellation import Constellation
from glint_unet.model.peaks import decode_peaks
from glint_unet.model.votes import decode_output

LAYOUT = np.array([[0.0, -1.0], [1.0, -0.2], [0.5, 0.9], [-0.9, 0.6], [-0.8, -0.5]])
INPUT = (64, 64)


def window_of(points, scale=0.1):
    windows = closer_windows(points[None], np.ones((1, len(points)), bool), INPUT, scale)
    return windows.get(0)


@given(st.floats(3, 300), st.floats(-50, 700), st.floats(-50, 500))
def test_a_window_holds_the_layout_and_is_never_enlarged_beyond_the_image(size, x, y):
    window = window_of(LAYOUT * size + [x, y])
    if window is None:
        assert 0.2 * 64 / size < 0.2  # hardly closer than the first look
        return
    assert window.width >= 64
    assert window.height >= 64
    low, high = (LAYOUT * size + [x, y]).min(axis=0), (LAYOUT * size + [x, y]).max(axis=0)
    assert window.left < low[0] < high[0] < window.left + window.width
    assert window.top < low[1] < high[1] < window.top + window.height


def test_no_closer_look_at_what_fills_the_input_is_hardly_found_or_lies_nowhere():
    points = LAYOUT * 20 + 100
    assert window_of(points) is not None
    assert window_of(points, scale=0.6) is None
    assert not closer_windows(points[None], np.eye(1, 5).astype(bool), INPUT, 0.1)
    assert not closer_windows(points[None] * np.nan, np.ones((1, 5), bool), INPUT, 0.1)


@given(st.integers(-9, 12), st.integers(-9, 12), st.integers(1, 20), st.integers(1, 20))
def test_beyond_the_borders_a_part_repeats_their_pixels(left, top, width, height):
    image = np.arange(80, dtype=np.uint8).reshape(8, 10)
    wide = np.pad(image, 40, mode="edge")
    part = Window(left, top, width, height).cut_from(image)
    assert np.array_equal(part, wide[40 + top : 40 + top + height, 40 + left : 40 + left + width])


def dots(points, size=(360, 420), sigma=2.0):
    y, x = np.mgrid[: size[0], : size[1]]
    image = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / (2 * sigma**2)) for px, py in points)
    return (np.clip(image, 0, 1) * 230 + 10).astype(np.uint8)


def brightness(images):
    """A network whose heatmap of every LED is the image: what is bright is a glint, which LED says the layout."""
    logits = (torch.from_numpy(images).float() / 255 * 10 - 4)[:, None].expand(-1, len(LAYOUT), -1, -1)
    parts = (*decode_output(logits, len(LAYOUT), 1, 1.5), *decode_peaks(logits, len(LAYOUT), 1, 1.5))
    return tuple(part.numpy() for part in parts)


def detector(**options):
    constellation = Constellation.from_layout(LAYOUT, (2, 30))
    return GlintDetector(brightness, INPUT, len(LAYOUT), constellation=constellation, stride=1, **options)


def test_a_closer_look_finds_the_same_leds_more_exactly_wherever_the_eye_is():
    errors: dict[bool, list[np.ndarray]] = {True: [], False: []}
    for shift in ((0.0, 0.0), (120.3, 80.6), (-110.7, 60.2), (40.4, -100.9)):
        truth = LAYOUT * 34 + [210, 180] + shift
        for closer in errors:
            found = detector(closer_look=closer)(dots(truth))
            assert found.present.all()
            errors[closer].append(np.linalg.norm(found.points[0] - truth, axis=-1))
    assert np.max(errors[True]) < 0.5
    assert np.median(errors[True]) < 0.5 * np.median(errors[False])


def test_images_of_a_batch_are_looked_at_each_in_its_own_place():
    truths = [LAYOUT * 30 + [90, 90], LAYOUT * 36 + [300, 250]]
    batch = np.stack([dots(truth) for truth in truths] + [np.full((360, 420), 20, np.uint8)])
    found = detector()(batch)
    assert np.abs(found.points[:2] - truths).max() < 0.6
    assert not found.present[2].any()


def test_without_a_constellation_there_is_no_closer_look():
    image = dots(LAYOUT * 34 + [210, 180])
    alone = detector().without_constellation()
    plain = detector(closer_look=False).without_constellation()
    assert np.array_equal(alone.candidates(image).points, plain.candidates(image).points)


def class_free_brightness(images):
    """A network whose only heatmap is the image: what is bright is a glint, whichever LED it is."""
    logits = (torch.from_numpy(images).float() / 255 * 10 - 4)[:, None]
    parts = (*decode_output(logits, 1, 1, 1.5), *decode_peaks(logits, 1, 1, 1.5))
    return tuple(part.numpy() for part in parts)


def unnamed_detector(**options):
    known = {"class_free": True, "threshold": 0.04, "stride": 1, **options}
    return GlintDetector(class_free_brightness, INPUT, len(LAYOUT), **known)


def errors_to_nearest(truth, found):
    points = found.points[0][found.present[0]]
    return np.linalg.norm(points[:, None] - truth, axis=-1).min(axis=0, initial=np.inf)


def test_unnamed_glints_are_looked_at_again_where_most_of_them_lie():
    truth = LAYOUT * 34 + [250.3, 120.6]
    image = dots(truth)
    first, second = (unnamed_detector(closer_look=closer)(image) for closer in (False, True))
    assert errors_to_nearest(truth, second).max() < 1.5
    assert np.median(errors_to_nearest(truth, second)) < 0.5 * np.median(errors_to_nearest(truth, first))
    assert (np.diff(second.scores[0]) <= 0).all()


def test_without_a_layout_both_ways_of_decoding_are_one_and_cost_no_more_looks():
    seen: list[int] = []

    def counted(images):
        seen.append(len(images))
        return class_free_brightness(images)

    image = dots(LAYOUT * 34 + [250.3, 120.6])
    one = GlintDetector(counted, INPUT, len(LAYOUT), class_free=True, threshold=0.04, stride=1)
    ours, alone = one.candidates_with_and_without(image)
    assert all(np.array_equal(*pair) for pair in zip(ours, alone, strict=True))
    assert seen == [1, 1]  # the whole frame, then the part around the glints


def test_a_glint_outside_the_closer_look_stays():
    truth = np.concatenate([LAYOUT[:4] * 34 + [250.3, 120.6], [[40.0, 300.0]]])
    found = unnamed_detector()(dots(truth))
    assert found.present.all()
    assert errors_to_nearest(truth, found).max() < 3


def test_a_single_unnamed_glint_is_looked_at_in_full_resolution_and_none_not_at_all():
    windows = closer_windows_of_unnamed(np.full((2, 5, 2), 200.0), np.eye(2, 5) * [[1], [0]], INPUT, 0.1)
    assert list(windows) == [0]
    assert windows[0].width == 75  # 1.5 cells of the first look are a fifth of the input
    assert windows[0].holds(np.array([200.0, 200.0]))


def test_the_highest_of_two_sets_are_as_many_as_the_first_has():
    first = np.zeros((2, 2)), np.array([0.9, 0.1]), np.ones(2)
    second = np.ones((1, 2)), np.array([0.5]), np.ones(1) * 2
    points, scores, sigmas = highest(first, second)
    assert scores.tolist() == [0.9, 0.5]
    assert points.tolist() == [[0, 0], [1, 1]]
    assert sigmas.tolist() == [1, 2]
