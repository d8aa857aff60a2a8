"""The charts of a report."""

import numpy as np

from glint_unet.model.predictions import Predictions
from glint_unet.report.charts import curve_figures, error_figures


def predictions(errors, sigma=0.5):
    errors = np.asarray(errors, np.float32)
    truth = np.full((len(errors), 1, 2), 10, np.float32)
    points = truth.copy()
    points[:, 0, 0] += errors
    ones = np.ones((len(errors), 1), np.float32)
    return Predictions(points, ones, sigma * ones, truth, (40, 40), 0.5)


def test_every_error_is_in_a_bar_and_the_last_bar_holds_those_beyond():
    histogram, _ = error_figures(predictions([0.1] * 30 + [0.3] * 10 + [9.0]))
    assert "41 glints; median 0.10 px" in histogram.note
    assert "larger errors: 1" in histogram.note
    bars = [int(part.split("<")[0]) for part in str(histogram.svg).split(" px: ")[1:]]
    assert sum(bars) == 41


def test_a_model_that_knows_its_errors_has_a_ratio_of_one():
    errors = np.abs(np.random.default_rng(0).normal(0, 1, 200))
    _, calibration = error_figures(predictions(errors, sigma=float(np.median(errors)) / 0.969))
    assert "expected one: 1.00" in calibration.note


def test_nothing_found_makes_no_chart():
    assert error_figures(predictions([0.1])._replace(scores=np.zeros((1, 1), np.float32))) == []


def test_a_curve_says_in_words_where_it_begins_and_ends():
    row = {"train": {"total": 0.5}, "val": {"total": 0.4}}
    (loss,) = curve_figures([{"epoch": 1, **row}, {"epoch": 2, "train": {"total": 0.25}, "val": {"total": 0.2}}], 2)
    assert "training from 0.5 to 0.25, validation from 0.4 to 0.2" in str(loss.svg)
    assert loss.note == "best: epoch 2"
