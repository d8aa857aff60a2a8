"""What a detector sees in frames: whole, and closer around the layout."""

import numpy as np
import pytest

from glint_unet.data.media import Frame
from glint_unet.errors import SettingError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.layout.looks import closer_look, first_look, read_frames
from glint_unet.layout.poses import Tolerance, place
from tests.layout.eyes import SIZE, detector, frames
from tests.layout.spots import ring


def test_broken_frames_are_counted_and_large_ones_shrunk():
    large = np.zeros((100, 2560), np.uint8)
    given = [Frame("a", 0, None, None, "broken"), Frame("b", 0, None, large), Frame("c", 0, None, large[:, :50])]
    read = read_frames(given)
    assert read.problems == ["broken"]
    assert [image.shape for image in read.images] == [(50, 1280), (100, 50)]


def test_peaks_are_in_pixels_of_the_image_and_those_in_the_padding_do_not_count():
    image = frames(ring(6), 1, seen=1.0)[0]
    spots = first_look(detector(), [image, np.pad(image, ((0, 20), (0, 32)))])
    assert spots.num_sure.tolist() == [6, 6]
    one, other = (spots.at[k][spots.weights[k] > 0] for k in range(2))
    assert np.abs(one[:, None] - other).min(axis=1).max() < 2


def test_a_closer_look_keeps_the_places_in_the_image():
    image = np.pad(frames(ring(6), 1, seen=1.0)[0], 150, mode="edge")
    exact = first_look(detector(), [image[150:-150, 150:-150]]).at[0, :6] + 150 + 150j
    leds = 20 * ring(6)
    poses = place(
        leds,
        first_look(GlintDetector(detector()._backend, image.shape, 6, class_free=True), [image]),
        Tolerance(0.1, 0.2),
        None,
    )
    small = detector()
    spots = first_look(small, [image])
    closer = closer_look(small, [image], spots, poses)
    found = closer.at[0][closer.weights[0] > 0]
    assert len(found) == 6
    assert np.abs(found[:, None] - exact).min(axis=1).max() < 1.5
    assert np.abs(spots.at - closer.at).max() > 0


def test_a_model_that_decodes_each_led_alone_is_refused():
    def alone(images):
        return np.zeros((len(images), 2, 2), np.float32), np.zeros((len(images), 2)), np.ones((len(images), 2))

    with pytest.raises(SettingError, match="--class_free"):
        first_look(GlintDetector(alone, SIZE, 2), frames(ring(2), 1))
