"""Naming peaks by the constellation, on drawn images of layouts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glint_unet.model.assignment import assign
from glint_unet.model.constellation import Constellation

ANGLES = np.radians(-90 + 45 * np.arange(8))
RING = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)
UNEVEN = np.array([[-1.0, -0.6], [0.1, -0.9], [1.1, -0.5], [0.9, 0.7], [-0.2, 1.0], [-1.1, 0.4]])
PEAKS = 16
NAN = np.nan


def constellation(layout=RING):
    return Constellation.from_layout(layout, (3.0, 60.0))


def seen_in_mirror(rng, layout):
    """The layout's image: turned up to 15 degrees, squeezed up to 1.3, of any size and place."""
    layout = layout - layout.mean(axis=0)
    turn, axis = np.radians(rng.uniform(-15, 15)), rng.uniform(0, np.pi)
    squeeze = rng.uniform(1, 1.3)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    along = np.array([[np.cos(axis), np.sin(axis)], [-np.sin(axis), np.cos(axis)]])
    size = np.exp(rng.uniform(np.log(8), np.log(45)))
    matrix = size * along.T @ np.diag([squeeze**0.5, squeeze**-0.5]) @ along @ turned
    places = layout @ matrix.T + rng.uniform(40, 90, 2)
    return places + rng.normal(0, 0.015 * size, places.shape), size


def peaks_of(rng, places, visible, *, distractors=3, size=20.0):
    """What a good network says of an eye: (points (M, 2), scores (M, C), sigmas (M,))."""
    C = len(places)
    points, scores = [], []
    for led in np.flatnonzero(visible):
        points.append(places[led])
        scores.append(rng.uniform(0, 0.1, C))
        scores[-1][led] = rng.uniform(0.5, 0.98)
    while len(points) < visible.sum() + distractors:
        spot = rng.uniform(0, 128, 2)
        if np.linalg.norm(places - spot, axis=-1).min() > 0.5 * size:  # elsewhere
            points.append(spot)
            scores.append(rng.uniform(0, 0.3, C))
    points += [rng.uniform(0, 128, 2) for _ in range(PEAKS - len(points))]
    scores += [np.full(C, 0.004)] * (PEAKS - len(scores))
    return np.array(points), np.array(scores), np.full(PEAKS, 0.3)


def named(*images, layout=RING):
    """What `assign` makes of images as `peaks_of` gives them."""
    points, scores, sigmas = (np.stack(parts) for parts in zip(*images, strict=True))
    return assign(points, scores, sigmas, constellation(layout))


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), layout=st.sampled_from([RING, UNEVEN]))
def test_the_layout_is_found_whatever_is_missing_confused_or_beside_it(seed, layout):
    rng = np.random.default_rng(seed)
    places, size = seen_in_mirror(rng, layout)
    visible = np.zeros(len(layout), dtype=bool)
    visible[rng.permutation(len(layout))[: rng.integers(5, len(layout) + 1)]] = True
    points, scores, sigmas = peaks_of(rng, places, visible, size=size)
    confused = rng.integers(visible.sum())  # the network takes one glint for another LED's
    scores[confused] = np.roll(scores[confused], rng.integers(1, len(layout)))
    result = named((points, scores, sigmas), layout=layout)
    away, found = np.linalg.norm(result.points[0] - places, axis=-1), result.scores[0] > 0.15
    assert (away[visible & found] < 1e-3).all()
    assert not (found & ~visible).any()
    assert (visible & ~found).sum() <= (visible.sum() == 5)  # five, one of them confused, may leave that one out


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), layout=st.sampled_from([RING, UNEVEN]))
def test_peaks_of_a_class_free_network_are_named_by_their_places_alone(seed, layout):
    rng = np.random.default_rng(seed)
    places, size = seen_in_mirror(rng, layout)
    visible = rng.permutation(len(layout)) < rng.integers(len(layout) - 1, len(layout) + 1)
    points, scores, sigmas = peaks_of(rng, places, visible, size=size)
    heights = scores.max(axis=-1, keepdims=True)
    result = named((points, heights, sigmas), layout=layout)
    away, found = np.linalg.norm(result.points[0] - places, axis=-1), result.scores[0] > 0.15
    assert (found == visible).all()
    assert (away[visible] < 1e-3).all()
    for ours, theirs in zip(
        result, named((points, np.repeat(heights, len(layout), axis=1), sigmas), layout=layout), strict=True
    ):
        assert np.array_equal(ours, theirs)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_the_order_of_the_peaks_does_not_matter(seed):
    rng = np.random.default_rng(seed)
    places, size = seen_in_mirror(rng, RING)
    image = peaks_of(rng, places, rng.random(8) < 0.6, distractors=5, size=size)
    order = rng.permutation(PEAKS)
    one, other = (named(peaks) for peaks in (image, [part[order] for part in image]))
    for ours, theirs in zip(one, other, strict=True):
        assert np.array_equal(ours, theirs)


def test_an_image_gives_the_same_alone_and_among_others():
    rng = np.random.default_rng(3)
    images = [peaks_of(rng, seen_in_mirror(rng, RING)[0], rng.random(8) < 0.6) for _ in range(37)]
    together = named(*images)
    for k in (0, 5, 36):
        alone = named(images[k])
        assert np.allclose(alone.points[0], together.points[k], atol=1e-3)
        assert np.allclose(alone.scores[0], together.scores[k], atol=1e-4)


def test_of_no_images_nothing_is_named():
    found = assign(np.empty((0, PEAKS, 2)), np.empty((0, PEAKS, 8)), np.empty((0, PEAKS)), constellation())
    assert [part.shape for part in found] == [(0, 8, 2), (0, 8), (0, 8)]


def test_of_no_images_of_a_class_free_network_there_is_room_for_every_led():
    found = assign(np.empty((0, PEAKS, 2)), np.empty((0, PEAKS, 1)), np.empty((0, PEAKS)), constellation())
    assert (found.points.shape, found.scores.shape, found.sigmas.shape) == ((0, 8, 2), (0, 8), (0, 8))


def test_an_eye_that_shows_nothing_stays_empty():
    rng = np.random.default_rng(0)
    images = []
    for _ in range(50):
        points = rng.uniform(0, 128, (PEAKS, 2))
        images.append((points, rng.uniform(0, 0.08, (PEAKS, 8)), np.full(PEAKS, 1.0)))
    found = named(*images)
    assert found.scores.max() < 0.2
    nothing = assign(np.zeros((1, PEAKS, 2)), np.zeros((1, PEAKS, 8)), np.ones((1, PEAKS)), constellation())
    assert nothing.scores.max() == 0
    assert np.isfinite(nothing.points).all()


def test_a_weak_peak_at_its_place_counts_and_a_bright_spot_elsewhere_does_not():
    places = 64 + 20 * RING
    visible = np.array([True, True, True, True, False, False, False, True])
    points, scores, sigmas = peaks_of(np.random.default_rng(1), places, visible, distractors=0)
    scores[4] = 0.01
    scores[4, 7] = 0.15  # LED 8, weak
    points[5], scores[5] = (10.0, 20.0), 0.0
    scores[5, 5] = 0.9  # a spot that looks like LED 6
    found = named((points, scores, sigmas))
    assert np.allclose(found.points[0, 7], places[7])
    assert found.scores[0, 7] > 0.2
    assert found.scores[0, 5] == 0
    assert np.linalg.norm(found.points[0, 5] - places[5]) < 4  # where it would be


def test_two_glints_are_named_as_the_network_names_them_where_their_places_allow_it():
    for pair in ([2, 6], [0, 2], [1, 5]):
        places = 64 + 20 * RING
        image = peaks_of(np.random.default_rng(2), places, np.isin(np.arange(8), pair), distractors=0)
        found = named(image)
        assert np.allclose(found.points[0, pair], places[pair])
        assert (found.scores[0, pair] > 0.3).all()


def test_a_single_glint_keeps_the_name_that_the_network_gives_it():
    points = np.full((1, PEAKS, 2), 64.0)
    points[0, 1:] = 500.0  # no pair is of a plausible size
    scores = np.zeros((1, PEAKS, 8))
    scores[0, 0, 3] = 0.9
    found = assign(points, scores, np.full((1, PEAKS), 0.2), constellation())
    assert np.allclose(found.points[0, 3], 64)
    assert found.scores[0, 3] > 0.3
    assert (np.delete(found.scores[0], 3) == 0).all()


@pytest.mark.parametrize("num_peaks", [1, 2, 5])
def test_few_peaks_are_enough(num_peaks):
    places = 64 + 20 * RING
    points, scores, sigmas = peaks_of(np.random.default_rng(4), places, np.ones(8, dtype=bool), distractors=0)
    found = named((points[:num_peaks], scores[:num_peaks], sigmas[:num_peaks]))
    assert np.allclose(found.points[0, :num_peaks], places[:num_peaks])
    assert (found.scores[0, num_peaks:] == 0).all()
