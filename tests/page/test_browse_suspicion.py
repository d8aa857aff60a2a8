import numpy as np
import pytest

from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.model.constellation import Constellation
from glint_unet.page.browse_suspicion import (
    Suspicion,
    contradicts_layout,
    distances_from_others,
    scores_of_images,
    suspicion_name,
    suspicions_of_labels,
)

SIZE = (96, 96)


@pytest.fixture(scope="module")
def keypoints():
    """(60, 8, 2): where drawn eyes show a ring of 8 LEDs."""
    return render_eyes(Rig.ring(8, image_size=SIZE, stride=2, level="easy"), 3, range(60))[1]


def layout_of(keypoints):
    constellation = Constellation.from_keypoints(keypoints)
    assert constellation is not None
    return constellation


def seen(keypoints, num):
    """A row in which at least `num` LEDs are present, far from the border."""
    inside = np.isfinite(keypoints).all(axis=-1) & (keypoints > 5).all(axis=-1) & (keypoints < 90).all(axis=-1)
    return int(np.flatnonzero(inside.sum(axis=1) >= num)[0])


def test_good_labels_are_not_suspicious_but_images_without_any_are(keypoints):
    marks = suspicions_of_labels(keypoints, SIZE)
    is_empty = ~np.isfinite(keypoints).all(axis=-1).any(axis=1)
    assert is_empty.any()
    np.testing.assert_array_equal((marks & Suspicion.EMPTY).any(axis=1), is_empty)
    assert ((marks & (Suspicion.LAYOUT | Suspicion.SAME_SPOT)) > 0).mean() < 0.01


def test_labels_that_were_swapped_contradict_the_layout(keypoints):
    row = seen(keypoints, 8)
    changed = keypoints.copy()
    changed[row, [1, 2]] = changed[row, [2, 1]]
    found = contradicts_layout(changed)
    assert found[row, 1]
    assert found[row, 2]
    assert found.any(axis=1).sum() <= contradicts_layout(keypoints).any(axis=1).sum() + 1


def test_a_label_far_off_contradicts_the_layout_and_is_the_furthest_of_its_image(keypoints):
    row = seen(keypoints, 8)
    changed = keypoints.copy()
    changed[row, 4] += 12
    assert contradicts_layout(changed)[row, 4]
    away = distances_from_others(changed, layout_of(keypoints))
    assert int(np.nanargmax(away[row])) == 4


def test_distances_need_four_labels(keypoints):
    few = keypoints[:1].copy()
    few[0, 3:] = np.nan
    assert np.isnan(distances_from_others(few, layout_of(keypoints))).all()


def test_without_a_layout_nothing_is_said(keypoints):
    two = keypoints[:, :2]
    assert not contradicts_layout(two).any()


def test_two_labels_at_one_spot_and_a_label_at_the_border_are_marked(keypoints):
    row = seen(keypoints, 8)
    changed = keypoints.copy()
    changed[row, 6] = changed[row, 5] + 0.5
    changed[row, 0] = (SIZE[1] - 1.2, 40)
    marks = suspicions_of_labels(changed, SIZE)[row]
    assert marks[5] & Suspicion.SAME_SPOT
    assert marks[6] & Suspicion.SAME_SPOT
    assert marks[0] & Suspicion.BORDER
    assert not marks[3] & (Suspicion.BORDER | Suspicion.SAME_SPOT)


def test_the_worse_suspicion_comes_first_whatever_the_number_of_lighter_ones():
    marks = np.array([[0, 0, 0], [2, 2, 2], [32, 32, 0], [16, 0, 0], [1, 1, 1]], np.uint8)
    assert np.argsort(-scores_of_images(marks), kind="stable").tolist() == [2, 3, 1, 4, 0]


def test_every_suspicion_has_a_name_of_its_own():
    assert len({suspicion_name(reason) for reason in Suspicion}) == len(Suspicion)
