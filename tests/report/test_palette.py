"""The colours of LEDs."""

import itertools

import numpy as np
import pytest

from glint_unet.report.palette import LEDS, led_colour

_VISION = {  # Machado et al. (2009), severity 1, on linear RGB
    "normal": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
}
_TO_LMS = [
    [0.41222147, 0.53633254, 0.05144599],
    [0.21190350, 0.68069955, 0.10739696],
    [0.08830246, 0.28171884, 0.6299787],
]
_TO_LAB = [
    [0.21045426, 0.79361779, -0.00407205],
    [1.9779985, -2.4285922, 0.45059371],
    [0.02590404, 0.78277177, -0.80867577],
]


def oklab(colour, vision):
    """OKLab (Ottosson, 2020) of a colour as seen with a deficiency."""
    value = np.array(list(bytes.fromhex(colour[1:]))) / 255
    linear = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    seen = (np.array(_VISION[vision]) @ linear).clip(0, 1)
    return np.array(_TO_LAB) @ np.cbrt(np.array(_TO_LMS) @ seen)


@pytest.mark.parametrize("vision", _VISION)
def test_any_two_leds_have_colours_that_can_be_told_apart(vision):
    distances = [np.linalg.norm(oklab(a, vision) - oklab(b, vision)) for a, b in itertools.combinations(LEDS, 2)]
    assert min(distances) > 0.1


def test_an_led_has_the_same_colour_everywhere_and_every_led_has_one():
    assert [led_colour(channel) for channel in range(13)] == [*LEDS, LEDS[0]]
