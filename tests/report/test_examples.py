"""Example images with marks."""

import numpy as np
import pytest

from glint_unet.model.predictions import Predictions
from glint_unet.report.examples import labelled_examples, predicted_examples

NAN = float("nan")
TRUTH = np.array([[[10, 12], [20, 12], [NAN, NAN], [NAN, NAN], [30, 12]]], np.float32)
POINTS = np.array([[[10.3, 12.4], [24, 15], [5, 5], [8, 8], [30, 12]]], np.float32)
SCORES = np.array([[0.9, 0.8, 0.7, 0.1, 0.2]], np.float32)
IMAGE = np.zeros((1, 40, 50), np.uint8)
LABELS = ["g1", "g2", "g3", "g4", "g5"]


def test_every_led_that_is_present_or_found_has_a_mark_with_its_verdict():
    predictions = Predictions(POINTS, SCORES, np.ones_like(SCORES), TRUTH, (40, 50), 0.5)
    (example,) = predicted_examples(IMAGE, predictions, ["eye"], LABELS)
    assert [(mark.label, example.verdict(mark)) for mark in example.marks] == [
        ("g1", "right"),
        ("g2", "far"),
        ("g3", "false"),
        ("g5", "missed"),
    ]
    assert example.marks[0].error_px == pytest.approx(0.5, abs=1e-6)
    assert example.num_right == 1
    assert example.largest_error_px == pytest.approx(5)


def test_labels_alone_have_no_verdict():
    (example,) = labelled_examples(IMAGE, TRUTH, ["eye"], LABELS)
    assert [(mark.label, example.verdict(mark)) for mark in example.marks] == [
        (label, "label") for label in ("g1", "g2", "g5")
    ]


def test_the_part_around_a_mark_has_the_mark_in_its_middle():
    (example,) = labelled_examples(IMAGE, TRUTH, ["eye"], LABELS)
    x, y = example.corner(example.marks[0])
    assert (x + (example.side - 1) / 2, y + (example.side - 1) / 2) == pytest.approx((10, 12), abs=0.5)
