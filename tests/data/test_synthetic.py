import numpy as np
import pytest

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.synthetic import render_eye, write_synthetic
from glint_unet.errors import DatasetError


def test_an_eye_is_a_function_of_seed_and_index():
    image, keypoints = render_eye(3, 7, 64, 4)
    again, same_keypoints = render_eye(3, 7, 64, 4)
    assert np.array_equal(image, again)
    assert np.array_equal(keypoints, same_keypoints, equal_nan=True)
    assert not np.array_equal(image, render_eye(3, 8, 64, 4)[0])
    assert not np.array_equal(image, render_eye(4, 7, 64, 4)[0])


def test_a_glint_is_a_bright_spot_where_its_keypoint_says():
    contrasts = []
    for index in range(30):
        image, keypoints = render_eye(1, index, 256, 8)
        for x, y in keypoints[np.isfinite(keypoints).all(axis=-1)]:
            column, row = round(float(x)), round(float(y))
            around = image[row - 6 : row + 7, column - 6 : column + 7]
            contrasts.append(float(image[row, column]) - float(np.median(around)))
    assert len(contrasts) > 100
    assert np.percentile(contrasts, 2) > 40


def test_glints_are_sometimes_missing_and_sometimes_all_hidden_by_a_blink():
    counts = [int(np.isfinite(render_eye(2, index, 64, 8)[1]).all(axis=-1).sum()) for index in range(200)]
    assert counts.count(0) > 0
    assert counts.count(8) > 50
    assert any(0 < count < 8 for count in counts)


def test_glints_move_less_than_the_pupil_and_keep_their_order_around_the_ring():
    for index in range(50):
        keypoints = render_eye(6, index, 256, 8)[1]
        if np.isfinite(keypoints).all():
            centre = keypoints.mean(axis=0)
            angles = np.arctan2(*(keypoints - centre).T[::-1])
            steps = np.diff(np.unwrap(angles))
            assert (steps > 0).all()


def test_the_file_holds_what_was_asked_for(tmp_path):
    path = tmp_path / "a.h5"
    list(write_synthetic(path, num=3, size=32, heatmap_size=32, num_leds=5, seed=0))
    info = inspect_dataset(path)
    assert (info.num_images, info.num_classes, info.stride) == (3, 5, 1)
    assert info.has_keypoints
    assert info.has_present
    assert info.has_stems


def test_a_stride_of_three_is_refused(tmp_path):
    with pytest.raises(DatasetError, match="1, both 2 or both 4"):
        list(write_synthetic(tmp_path / "a.h5", num=1, size=30, heatmap_size=10, num_leds=1, seed=0))
