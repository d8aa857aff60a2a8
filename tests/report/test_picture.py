"""Pictures of examples."""

import warnings

import numpy as np
import pytest
from PIL import Image

from glint_unet.model.predictions import Predictions
from glint_unet.report.examples import labelled_examples, predicted_examples
from glint_unet.report.palette import led_colour
from glint_unet.report.picture import draw_examples


def drawn(path):
    return np.asarray(Image.open(path).convert("RGB")).astype(int)


def test_every_led_has_a_frame_of_its_colour_and_its_pixels_magnified(tmp_path):
    image = np.full((1, 60, 80), 90, np.uint8)
    image[0, 30, 40] = 255
    truth = np.array([[[40, 30], [10, 10]]], np.float32)
    draw_examples(labelled_examples(image, truth, ["eye"], ["g1", "g2"]), "Labels", tmp_path / "p.png")
    picture = drawn(tmp_path / "p.png")
    for channel in (0, 1):
        colour = list(bytes.fromhex(led_colour(channel)[1:]))
        assert (picture == colour).all(axis=-1).sum() > 500  # pixels of a frame
    assert (picture[80:] == 255).all(axis=-1).sum() > 300  # one bright pixel, enlarged


@pytest.mark.parametrize("num_leds", [1, 4, 12, 40])
@pytest.mark.parametrize("size", [(32, 32), (120, 400)])
def test_any_number_of_leds_and_any_size_of_image_is_drawn(tmp_path, num_leds, size):
    random = np.random.default_rng(num_leds)
    truth = (random.uniform(-0.5, 1.0, (3, num_leds, 2)) * (size[1], size[0])).astype(np.float32)
    truth[(truth < 0).any(axis=-1)] = np.nan
    points = (random.uniform(0, 0.99, (3, num_leds, 2)) * (size[1], size[0])).astype(np.float32)
    scores = random.uniform(0, 1, (3, num_leds)).astype(np.float32)
    predictions = Predictions(points, scores, np.ones_like(scores), truth, size, 0.5)
    labels = [f"g{led + 1}" for led in range(num_leds)]
    images = random.integers(0, 255, (3, *size)).astype(np.uint8)
    draw_examples(predicted_examples(images, predictions, ["a", "b", "c"], labels), "Three", tmp_path / "p.png")
    height, width, _ = drawn(tmp_path / "p.png").shape
    assert 400 < width < 3000
    assert height > 300


def test_names_may_be_of_any_characters(tmp_path):
    image, truth = np.zeros((1, 32, 32), np.uint8), np.full((1, 1, 2), 9, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        examples = labelled_examples(image, truth, ["$x^{ 眼 <b>\\frac"], ["光$1"])
        draw_examples(examples, "All", tmp_path / "p.png")
    assert (tmp_path / "p.png").exists()


def test_hundreds_of_images_fit_into_one_picture(tmp_path):
    image, truth = np.zeros((400, 8, 8), np.uint8), np.full((400, 1, 2), np.nan, np.float32)
    draw_examples(labelled_examples(image, truth, [""] * 400, ["g1"]), "All", tmp_path / "p.png")
    assert max(drawn(tmp_path / "p.png").shape) < 2**15
