from contextlib import contextmanager

import h5py
import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glint_unet.data import dataset_reader
from glint_unet.data.dataset_file import inspect_dataset, open_dataset
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.data.sources import FileSource, MemorySource
from glint_unet.data.summary import summarise
from glint_unet.data.validation import validate_dataset
from glint_unet.errors import DatasetError

N, C, H, W = 4, 2, 16, 24


def make(path, **parts):
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((N, H, W), np.uint8)
        for name, values in parts.items():
            file[name] = values
    return path


@contextmanager
def opened(path):
    with open_dataset(path) as (file, _):
        yield file


def keypoints_with(point):
    keypoints = np.full((N, C, 2), 5.0, np.float32)
    keypoints[2, 1] = point
    return keypoints


def heatmaps_at(points, stride=2, sigma=2.0):
    return render_heatmaps(torch.from_numpy(points), (H // stride, W // stride), stride, sigma).numpy()


@pytest.mark.parametrize("point", [(-1, -1), (0, -0.6), (23.6, 0), (0, 15.6), (1e30, 3), (3, -1e30)])
def test_a_present_keypoint_outside_its_image_is_refused_with_its_row_and_the_fix(tmp_path, point):
    path = make(tmp_path / "a.h5", keypoints=keypoints_with(point))
    with opened(path) as file, pytest.raises(DatasetError, match=r"row 2.*LED 2.*24x16.*NaN") as refusal:
        dataset_reader.load_array(file, "keypoints")
    assert "\n" not in str(refusal.value)
    with pytest.raises(DatasetError, match="row 2"):
        validate_dataset(path)


@pytest.mark.parametrize("point", [(-0.5, -0.5), (23.5, 15.5), (0, 0)])
def test_a_keypoint_on_the_border_is_inside(tmp_path, point):
    with opened(make(tmp_path / "a.h5", keypoints=keypoints_with(point))) as file:
        assert tuple(dataset_reader.load_array(file, "keypoints")[2, 1]) == point


@pytest.mark.parametrize("point", [(-1, -1), (np.nan, 3), (1e30, np.nan), (np.nan, np.nan)])
def test_a_keypoint_that_is_absent_may_have_any_coordinates(tmp_path, point):
    present = np.ones((N, C), np.uint8)
    present[2, 1] = 0
    for parts in ({"present": present}, {}) if np.isnan(point).any() else ({"present": present},):
        with opened(make(tmp_path / "a.h5", keypoints=keypoints_with(point), **parts)) as file:
            assert np.isnan(dataset_reader.load_array(file, "keypoints")[2, 1]).all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    values=st.lists(
        st.sampled_from([-1.0, -0.5, 0.0, 7.25, 15.5, 23.5, 24.0, 1e40, -np.inf, np.inf, np.nan]),
        min_size=N * C * 2,
        max_size=N * C * 2,
    ),
    present=st.none() | st.lists(st.sampled_from([0, 1, 2]), min_size=N * C, max_size=N * C),
)
def test_keypoints_are_inside_or_absent_or_refused(tmp_path, values, present):
    stored = np.array(values).reshape(N, C, 2)
    there = np.ones((N, C), bool) if present is None else np.array(present).reshape(N, C) > 0
    parts = {} if present is None else {"present": np.array(present, np.uint8).reshape(N, C)}
    with opened(make(tmp_path / "a.h5", keypoints=stored, **parts)) as file:
        try:
            read = dataset_reader.load_array(file, "keypoints")
        except DatasetError:
            counted = stored[there & ~np.isnan(stored).any(axis=-1)]
            assert ((counted < -0.5) | (counted > [W - 0.5, H - 0.5])).any() or np.isinf(stored[there]).any()
            return
    is_present = np.isfinite(read).all(axis=-1)
    assert np.array_equal(is_present, there & ~np.isnan(stored).any(axis=-1))
    assert np.array_equal(read[is_present], stored[is_present])
    assert np.isnan(read[~is_present]).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float16, np.uint8])
def test_present_zero_makes_a_glint_absent_where_only_heatmaps_are_there(tmp_path, dtype):
    points = np.full((N, C, 2), 6.5, np.float32)
    heatmaps = heatmaps_at(points) * (255 if dtype is np.uint8 else 1)
    present = np.ones((N, C), np.uint8)
    present[2, 1] = 0
    path = make(tmp_path / "a.h5", heatmaps=heatmaps.round(3).astype(dtype), present=present)
    validate_dataset(path)
    info, rows = inspect_dataset(path), np.array([3, 2])
    for source in (MemorySource(info), FileSource(info, num_workers=0)):
        batch = source.gather(rows)
        found = batch.true_keypoints(info).isfinite().all(dim=-1)
        assert found.tolist() == [[True, True], [True, False]]
        assert not batch.stored_heatmaps()[1, 1].any()
        source.close()
    assert [channel.num_present for channel in summarise(path).channels] == [N, N - 1]


@pytest.mark.parametrize("dtype", [np.float32, np.uint8])
def test_heatmaps_without_a_peak_are_refused_where_they_are_the_only_truth(tmp_path, dtype):
    heatmaps = heatmaps_at(np.full((N, C, 2), 6.5, np.float32), sigma=1.5)
    heatmaps[:, 1] /= heatmaps[:, 1].sum(axis=(-1, -2), keepdims=True)  # normalised by the sum: the peaks are 0.07
    path = make(tmp_path / "a.h5", heatmaps=(heatmaps * (255 if dtype is np.uint8 else 1)).astype(dtype))
    with pytest.raises(DatasetError, match=r"LED 2.*0\.0\d.*0\.5.*maximum"):
        validate_dataset(path)
    with pytest.raises(DatasetError, match="LED 2"):
        MemorySource(inspect_dataset(path))


def test_a_glint_that_is_present_but_has_no_peak_is_refused(tmp_path):
    heatmaps = heatmaps_at(np.full((N, C, 2), 6.5, np.float32))
    heatmaps[2, 1] *= 0.2
    path = make(tmp_path / "a.h5", heatmaps=heatmaps, present=np.ones((N, C), np.uint8))
    with pytest.raises(DatasetError, match=r"row 2.*LED 2.*0\.2.*0\.5"):
        validate_dataset(path)


def test_an_led_that_never_shows_and_heatmaps_beside_keypoints_are_no_mistake(tmp_path):
    points = np.full((N, C, 2), 6.5, np.float32)
    heatmaps = heatmaps_at(points)
    heatmaps[:, 1] = 0
    validate_dataset(make(tmp_path / "a.h5", heatmaps=heatmaps))
    validate_dataset(make(tmp_path / "b.h5", heatmaps=heatmaps * np.float32(0.1), keypoints=points))


@pytest.mark.parametrize("storage", [{}, {"chunks": (3, H, W)}, {"chunks": (1, H, W), "compression": "gzip"}])
def test_rows_are_read_in_order_whatever_the_chunks(tmp_path, storage):
    images = np.random.default_rng(0).integers(0, 255, (10, H, W), dtype=np.uint8)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=images, **storage)
        rows = np.array([0, 3, 4, 9])
        assert np.array_equal(dataset_reader.read_rows(file, "images", rows), images[rows])
        assert dataset_reader.read_rows(file, "images", rows[:0]).shape == (0, H, W)
        blocks = list(dataset_reader.row_blocks(file["images"]))
        assert [blocks[0].start, blocks[-1].stop] == [0, 10]
