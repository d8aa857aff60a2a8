"""The metadata of exported models."""

import numpy as np
import pytest

from glint_unet.inference.exported import metadata_of, options_of, threshold_of_scores
from glint_unet.inference.trained_model import load_model
from glint_unet.model.constellation import Constellation

SQUARE = Constellation.from_layout(np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]), (5.0, 9.0))


def test_the_options_of_a_detector_come_back_from_the_metadata(eyes_run):
    plain = load_model(eyes_run)
    together = plain._replace(constellation=SQUARE, num_classes=4, threshold=0.7, threshold_alone=0.4)
    for model in (plain, plain._replace(class_free=True, num_classes=9), together):
        metadata = metadata_of(model)
        assert options_of(metadata) == model.options()
        assert float(metadata["threshold"]) == threshold_of_scores(model)
    assert threshold_of_scores(together) == 0.4


@pytest.mark.parametrize("name", ["labels", "image_size", "threshold", "stride", "prefix"])
def test_what_is_missing_or_no_value_is_refused(eyes_run, name):
    metadata = metadata_of(load_model(eyes_run))
    for values in ({k: v for k, v in metadata.items() if k != name}, {**metadata, name: "[nothing"}):
        if name == "prefix" and name in values:
            continue
        with pytest.raises((KeyError, ValueError)):
            options_of(values)
