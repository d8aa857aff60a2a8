import base64
import functools
import json

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from glint_unet.data.annotation import pack as annotations
from glint_unet.data.annotation.pack import PackSettings, find_labelme, read_labelme
from glint_unet.errors import AnnotationError

SETTINGS = PackSettings(
    num_classes=3,
    image_size=(60, 80),
    heatmap_size=(15, 20),
    sigma_scale=1.2,
    sigma_min=1.5,
    prefix="g",
    compression="gzip",
)


def circle(label, x, y, radius):
    return {"label": label, "points": [[x, y], [x + radius, y]], "shape_type": "circle"}


def point(label, x, y):
    return {"label": label, "points": [[x, y]], "shape_type": "point"}


def annotate(directory, stem, shapes, *, size=(120, 160), **changes):
    """An image and its LabelMe JSON."""
    rng = np.random.default_rng(0)
    Image.fromarray(rng.integers(0, 255, size, dtype=np.uint8)).save(directory / f"{stem}.png")
    content = {"shapes": shapes, "imagePath": f"{stem}.png", "imageHeight": size[0], "imageWidth": size[1]} | changes
    path = directory / f"{stem}.json"
    path.write_text(json.dumps(content))
    return path


def pack(directory, out, settings=SETTINGS, *, recursive=False):
    bad: list[AnnotationError] = []
    stretched: list[str] = []
    paths = find_labelme(directory, recursive=recursive)
    readers = [functools.partial(read_labelme, p, directory, settings.num_classes, settings.prefix) for p in paths]
    num = annotations.pack(readers, directory, out, settings, bad.append, stretched.append)
    return num, bad, stretched


def test_points_and_circles_become_sub_pixel_keypoints_that_scale_with_the_image(tmp_path):
    annotate(tmp_path, "a", [circle("g1", 40.5, 20.25, 4), point("g3", 100, 60), point("pupil", 1, 1)])
    out = tmp_path / "out.h5"
    assert pack(tmp_path, out) == (1, [], [])
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
    assert pack(tmp_path, tmp_path / "out.h5")[:2] == (3, [])


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
    shapes, changes, said = BAD[case]
    annotate(tmp_path, "good", [point("g1", 5, 5)])
    path = annotate(tmp_path, "bad", shapes)
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    if case == "no image":
        (tmp_path / "bad.png").unlink()
    num, bad, _ = pack(tmp_path, tmp_path / "out.h5")
    assert num == 1
    (error,) = bad
    assert str(path) in str(error)
    assert said in str(error)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"shapes": [[]]}'])
def test_what_is_not_labelme_is_refused(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(AnnotationError):
        read_labelme(path, tmp_path, 3, "g")


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5) | st.sampled_from(["g1", "circle", "point"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["label", "points", "shape_type", "shapes"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(shapes=st.lists(json_values, max_size=3), height=json_values, path=json_values)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_json_is_read_or_refused_in_one_line(tmp_path, shapes, height, path):
    annotate(tmp_path, "a", [])
    content = {"shapes": shapes, "imageHeight": height, "imagePath": path}
    (tmp_path / "a.json").write_text(json.dumps(content))
    try:
        glints = read_labelme(tmp_path / "a.json", tmp_path, 3, "g").glints
    except AnnotationError as error:
        glints, message = (), str(error)
    else:
        message = ""
    assert "\n" not in message
    assert all(np.isfinite([glint.x, glint.y]).all() for glint in glints)


def test_when_nothing_can_be_used_nothing_is_written(tmp_path):
    annotate(tmp_path, "bad", [point("g9", 1, 1)])
    out = tmp_path / "out.h5"
    with pytest.raises(AnnotationError, match="nothing was written"):
        pack(tmp_path, out)
    assert not out.exists()


def test_subdirectories_are_searched_where_asked_and_named_in_the_stems(tmp_path):
    (tmp_path / "left").mkdir()
    annotate(tmp_path / "left", "a", [point("g1", 5, 5)])
    with pytest.raises(AnnotationError, match="--recursive"):
        find_labelme(tmp_path, recursive=False)
    pack(tmp_path, tmp_path / "out.h5", recursive=True)
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["stems"][0] == b"left/a"


def test_an_image_of_another_aspect_is_told(tmp_path):
    path = annotate(tmp_path, "square", [], size=(100, 100))
    assert pack(tmp_path, tmp_path / "out.h5")[2] == [path.stem]


def test_the_real_recording_packs_and_its_frame_is_that_of_pixel_centres(real_recording, tmp_path):
    wanted = PackSettings(1, (480, 640), (120, 160), 1.2, 1.5, "g", None)
    num, bad, _ = pack(real_recording, tmp_path / "out.h5", wanted)
    assert (num, bad) == (71, [])
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
