"""Which images a report shows."""

import numpy as np
import pytest

from glint_unet.model.predictions import Predictions
from glint_unet.report.judged import example_places


@pytest.mark.parametrize("num", [1, 2, 3, 8, 100])
def test_examples_are_the_worst_the_middle_and_the_best_and_none_is_shown_twice(num):
    truth = np.full((num, 1, 2), 20, np.float32)
    errors = np.random.default_rng(num).permutation(num) / 100
    points = truth + np.stack([errors, 0 * errors], axis=1)[:, None].astype(np.float32)
    ones = np.ones((num, 1), np.float32)
    chosen = example_places(Predictions(points, ones, ones, truth, (40, 40), 0.5))
    shown = np.concatenate(list(chosen.values()))
    assert len(set(shown.tolist())) == len(shown) <= 9
    assert errors[chosen["worst"][0]] == errors.max()
    if num > 1:
        assert errors[chosen["best"][0]] == errors.min()
    if num == 100:
        assert np.abs(errors[chosen["middle"]] - np.median(errors)).max() < 0.03
