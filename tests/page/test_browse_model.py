import h5py
import numpy as np
import pytest

from glint_unet.errors import SettingError
from glint_unet.inference.predictor import GlintDetector, Glints
from glint_unet.page.browse_model import contradicted, read_contradictions
from glint_unet.page.browse_reading import read_index


def glints(points, present):
    points = np.array([points], np.float32)
    ones = np.ones(points.shape[:2], np.float32)
    return Glints(points, ones, ones, np.array([present]))


LABELS = np.array([[[10, 10], [20, 10], [np.nan, np.nan], [40, 40]]], np.float32)


def test_a_model_contradicts_by_distance_presence_and_absence():
    found = glints([[10, 11], [25, 10], [30, 30], [np.nan, np.nan]], [True, True, True, False])
    assert contradicted(LABELS, found, names_leds=True).tolist() == [[False, True, True, True]]


def test_without_names_any_glint_nearby_supports_a_label():
    found = glints([[40, 41], [10, 10], [70, 70], [20, 10]], [True, True, True, False])
    assert contradicted(LABELS, found, names_leds=False).tolist() == [[False, True, False, False]]


def test_a_trained_model_contradicts_what_it_does_not_find(eyes_h5, eyes_run):
    index = read_index(eyes_h5)
    found = read_contradictions(index.info, 10, 30, str(eyes_run), None)
    with h5py.File(eyes_h5) as file:
        points = GlintDetector.load(eyes_run)(file["images"][10:30][..., None]).points
    assert index.keypoints is not None
    labels = index.keypoints[10:30]
    agrees = np.linalg.norm(points - labels, axis=-1) <= 2  # NaN: no
    agrees |= np.isnan(points).all(axis=-1) & np.isnan(labels).all(axis=-1)
    assert 0.3 < agrees.mean() < 1
    np.testing.assert_array_equal(found, ~agrees)


def test_a_model_of_another_number_of_leds_is_refused(data, eyes_run):
    with pytest.raises(SettingError, match="has 2 LEDs, the data set has 3"):
        read_contradictions(read_index(data).info, 0, 2, str(eyes_run), None)
