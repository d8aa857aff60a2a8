"""Annotated images become a data set."""

import base64
import dataclasses
import json

import h5py
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from glint_unet.data.annotation import pack as packing
from glint_unet.data.annotation.labelme import find_labelme
from glint_unet.data.annotation.labels import Glint
from glint_unet.data.annotation.pack import PackSettings, size_of_images
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.dataset_reader import read_keypoints
from glint_unet.data.images import Placement, place_image, read_image
from glint_unet.errors import AnnotationError
from tests.annotation_files import annotate, circle, point, read

SETTINGS = PackSettings(
    num_classes=3,
    image_size=(60, 80),
    heatmap_size=(15, 20),
    sigma_scale=1.2,
    sigma_min=1.5,
    prefix="g",
    compression="gzip",
)


def pack(directory, out, settings=SETTINGS, *, recursive=False):
    """What was packed, and the errors of what was not."""
    bad: list[AnnotationError] = []
    found = []
    for path in find_labelme(directory, recursive=recursive):
        try:
            found += read(path, "labelme", directory)
        except AnnotationError as error:
            bad.append(error)
    return packing.pack(found, directory, out, settings, bad.append, len(bad)), bad


def test_points_and_circles_become_sub_pixel_keypoints_that_scale_with_the_image(tmp_path):
    annotate(tmp_path, "a", [circle("g1", 40.5, 20.25, 4), point("g3", 100, 60), point("pupil", 1, 1)])
    out = tmp_path / "out.h5"
    packed, bad = pack(tmp_path, out)
    assert (packed.num_images, bad) == (1, [])
    with h5py.File(out) as file:
        keypoints, heatmaps = file["keypoints"][0], file["heatmaps"][0].astype(float)
        assert file["present"][0].tolist() == [1, 0, 1]
        assert file["stems"][0] == b"a"
        assert dict(file.attrs) == {
            "num_classes": 3, "img_h": 60, "img_w": 80, "hm_h": 15, "hm_w": 20,
            "sigma_scale": 1.2, "sigma_min": 1.5, "prefix": "g",
        }  # fmt: skip
    assert keypoints[0] == pytest.approx([(40.5 + 0.5) / 2 - 0.5, (20.25 + 0.5) / 2 - 0.5])
    assert keypoints[2] == pytest.approx([49.75, 29.75])
    assert np.isnan(keypoints[1]).all()
    rows, columns = np.mgrid[:15, :20]
    x, y = (keypoints[0] + 0.5) / 4 - 0.5
    assert heatmaps[0] == pytest.approx(np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 1.5**2)), abs=1e-3)
    assert not heatmaps[1].any()


def test_a_large_circle_gets_a_large_sigma(tmp_path):
    annotate(tmp_path, "a", [circle("g1", 80, 60, 24), point("g2", 80, 60)])
    pack(tmp_path, tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        sums = file["heatmaps"][0].astype(float).sum(axis=(1, 2))
    sigma = 1.2 * 24 / 2 / 4  # radius 24 px of the image is 12 px of the data set's and 3 of the heatmap's
    assert sums[0] / sums[1] == pytest.approx((sigma / 1.5) ** 2, rel=0.1)


def test_the_image_is_where_it_may_be(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    annotate(tmp_path, "beside", [], imagePath="elsewhere/gone.png")
    annotate(tmp_path, "at_path", [], imagePath="images\\moved.png")
    (tmp_path / "at_path.png").rename(folder / "moved.png")
    inside = annotate(tmp_path, "inside", [])
    data = base64.b64encode((tmp_path / "inside.png").read_bytes()).decode()
    inside.write_text(json.dumps(json.loads(inside.read_text()) | {"imageData": data}))
    (tmp_path / "inside.png").unlink()
    packed, bad = pack(tmp_path, tmp_path / "out.h5")
    assert (packed.num_images, bad) == (3, [])


BAD = {
    "led beyond num_classes": ([point("g4", 1, 1)], {}, "g4"),
    "led 0": ([point("g0", 1, 1)], {}, "g0"),
    "twice": ([point("g1", 1, 1), point("g1", 2, 2)], {}, "twice"),
    "polygon": ([{"label": "g1", "points": [[1, 1], [2, 2], [3, 3]], "shape_type": "polygon"}], {}, "polygon of 3"),
    "outside": ([point("g1", 500, 1)], {}, "(500.0, 1.0)"),
    "nan": ([{"label": "g1", "points": [[float("nan"), 1]], "shape_type": "point"}], {}, "finite numbers"),
    "text": ([{"label": "g1", "points": [["a", 1]], "shape_type": "point"}], {}, "finite numbers"),
    "other size": ([], {"imageHeight": 50}, "(50, 160)"),
    "no image": ([], {"imagePath": "gone.png"}, "missing"),
    "no shapes": ([], {"shapes": 3}, "not a LabelMe annotation"),
    "no label": ([{"points": [[1, 1]]}], {}, "not a LabelMe annotation"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_annotation_is_named_and_left_out_and_the_rest_is_packed(tmp_path, case):
    shapes, changes, fragment = BAD[case]
    annotate(tmp_path, "good", [point("g1", 5, 5)])
    path = annotate(tmp_path, "bad", shapes)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    if case == "no image":
        (tmp_path / "bad.png").unlink()
    packed, bad = pack(tmp_path, tmp_path / "out.h5")
    assert packed.num_images == 1
    (error,) = bad
    assert str(path) in str(error)
    assert fragment in str(error)


def test_when_nothing_can_be_used_nothing_is_written(tmp_path):
    annotate(tmp_path, "bad", [point("g9", 1, 1)])
    out = tmp_path / "out.h5"
    with pytest.raises(AnnotationError, match="nothing was written"):
        pack(tmp_path, out)
    assert not out.exists()


def test_subdirectories_are_searched_on_request_and_named_in_the_stems(tmp_path):
    (tmp_path / "left").mkdir()
    annotate(tmp_path / "left", "a", [point("g1", 5, 5)])
    pack(tmp_path, tmp_path / "out.h5", recursive=True)
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["stems"][0] == b"left/a"


@pytest.mark.parametrize("stretch", [False, True])
def test_an_image_of_another_aspect_is_placed_as_the_detector_places_it(tmp_path, stretch):
    path = annotate(tmp_path, "square", [circle("g2", 55, 45, 10)], size=(100, 100))
    annotate(tmp_path, "as_wide", [])
    packed, _ = pack(tmp_path, tmp_path / "out.h5", dataclasses.replace(SETTINGS, stretch=stretch))
    assert packed.of_other_aspect == [path.stem]
    placement = Placement.of((100, 100), (60, 80), stretch=stretch)
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["stems"][1] == b"square"
        assert np.array_equal(file["images"][1], place_image(read_image(tmp_path / "square.png"), placement))
        assert file["keypoints"][1, 1] == pytest.approx(placement.forth(np.array([55.0, 45.0])), abs=1e-4)
        sums = file["heatmaps"][1, 1].astype(float).sum()
        assert file.attrs["stretched"] == ("yes" if stretch else "no")
    sigma = 1.2 * 10 * placement.mean_scale / 4
    assert sums == pytest.approx(2 * np.pi * sigma**2, rel=0.1)
    assert inspect_dataset(tmp_path / "out.h5").stretched is stretch


@given(
    size=st.tuples(st.integers(1, 700), st.integers(1, 700)),
    to=st.tuples(st.integers(1, 50), st.integers(1, 50)),
    stretch=st.booleans(),
)
def test_a_glint_on_the_border_of_its_image_is_inside_the_data_sets(size, to, stretch):
    (H, W), (h, w) = size, (4 * to[0], 4 * to[1])
    corners = [Glint(k, x, y, 0.0) for k, (x, y) in enumerate([(-0.5, -0.5), (W - 0.5, H - 0.5)])]
    keypoints = packing._keypoints(corners, Placement.of(size, (h, w), stretch=stretch), 2)
    assert (keypoints >= -0.5).all()
    assert (keypoints <= torch.tensor([w - 0.5, h - 0.5])).all()


def test_leds_that_no_image_shows_and_labels_that_are_ignored_are_known(tmp_path):
    annotate(tmp_path, "a", [point("g1", 5, 5), point("g4", 5, 9), point("pupil", 1, 1)])
    annotate(tmp_path, "b", [point("g1", 5, 5), point("pupil", 1, 1), point("lid", 1, 1)])
    packed, _ = pack(tmp_path, tmp_path / "out.h5", PackSettings("g", 1.2, 1.5))
    assert packed.labels.num_classes == 4
    assert packed.labels.ignored == {"pupil": 2, "lid": 1}
    assert packed.unseen == ["g2", "g3"]
    assert inspect_dataset(tmp_path / "out.h5").image_size == (120, 160)


@pytest.mark.parametrize(
    ("sizes", "requested", "expected"),
    [
        ([(400, 640)] * 2 + [(1, 1)], (None, None), (400, 640)),
        ([(1080, 1920)], (None, None), (360, 640)),
        ([(1280, 1024)], (None, None), (640, 512)),
        ([(101, 99)], (None, None), (104, 100)),
        ([(1, 9000)], (None, None), (4, 640)),
        ([(480, 640)], (120, None), (120, 160)),
        ([(480, 640)], (None, 100), (76, 100)),
        ([(480, 640)], (256, 256), (256, 256)),
    ],
)
def test_the_size_is_the_commonest_unless_requested(sizes, requested, expected):
    assert size_of_images(sizes, requested) == expected


def test_images_of_more_than_8_bits_have_one_white_level(tmp_path):
    for stem, level in (("dark", 200), ("bright", 1000)):
        annotate(tmp_path, stem, [point("g1", 5, 5)])
        Image.fromarray(np.full((120, 160), level, np.uint16)).save(tmp_path / f"{stem}.png")
    pack(tmp_path, tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["images"][:, 0, 0].tolist() == [round(1000 / 1023 * 255), round(200 / 1023 * 255)]


def test_a_point_on_the_border_can_be_read_from_the_data_set(tmp_path):
    annotate(tmp_path, "a", [point("g1", 159.5, 119.5), point("g2", -0.5, -0.5)])
    pack(tmp_path, tmp_path / "out.h5", dataclasses.replace(SETTINGS, image_size=(44, 76), heatmap_size=(11, 19)))
    with h5py.File(tmp_path / "out.h5") as file:
        assert np.isfinite(read_keypoints(file, slice(None))[0, :2]).all()


def test_the_real_recording_packs_and_its_frame_is_that_of_pixel_centres(real_recording, tmp_path):
    wanted = PackSettings("g", 1.2, 1.5, compression=None)
    packed, bad = pack(real_recording, tmp_path / "out.h5", wanted)
    assert (packed.num_images, packed.labels.num_classes, packed.image_size, bad) == (71, 1, (480, 640), [])
    offsets = []
    with h5py.File(tmp_path / "out.h5") as file:
        assert int(file["present"][:].sum()) == 59
        for image, (x, y) in zip(file["images"], file["keypoints"][:, 0], strict=True):
            if np.isfinite(x):
                column, row = round(float(x)), round(float(y))
                window = image[row - 12 : row + 13, column - 12 : column + 13].astype(float)
                weight = np.clip(window - (np.median(window) + window.max()) / 2, 0, None)
                rows, columns = np.mgrid[row - 12 : row + 13, column - 12 : column + 13]
                offsets.append([(weight * columns).sum() / weight.sum() - x, (weight * rows).sum() / weight.sum() - y])
    assert np.abs(np.mean(offsets, axis=0)).max() < 0.1
