"""LabelMe files; what all formats share is in test_readers.py."""

import base64
import json
import math
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from glint_unet.data.annotation.labelme import find_labelme
from glint_unet.data.images import read_image
from glint_unet.errors import AnnotationError
from tests.annotation_files import annotate, circle, point, read


def test_the_image_is_where_it_may_be(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    beside = annotate(tmp_path, "beside", [], imagePath="elsewhere/gone.png")
    at_path = annotate(tmp_path, "at_path", [], imagePath="images\\moved.png")
    (tmp_path / "at_path.png").rename(folder / "moved.png")
    odd = annotate(tmp_path, "odd", [], imagePath="a\\b.png")
    (tmp_path / "odd.png").rename(tmp_path / "a\\b.png")
    found = [read(path, "labelme", tmp_path)[0].image for path in (beside, at_path, odd)]
    assert found == [tmp_path / "beside.png", folder / "moved.png", tmp_path / "a\\b.png"]


def test_the_image_may_be_inside(tmp_path):
    inside = annotate(tmp_path, "inside", [])
    expected = read_image(tmp_path / "inside.png")
    data = base64.b64encode((tmp_path / "inside.png").read_bytes()).decode()
    inside.write_text(json.dumps(json.loads(inside.read_text()) | {"imageData": data}))
    (tmp_path / "inside.png").unlink()
    (found,) = read(inside, "labelme", tmp_path)
    assert found.inspect().size == (120, 160)
    assert np.array_equal(read_image(found.image, found.image_bytes()), expected)
    inside.write_text(json.dumps(json.loads(inside.read_text()) | {"imageData": data[:-3] + "\u00e9"}))
    (broken,) = read(inside, "labelme", tmp_path)
    with pytest.raises(AnnotationError, match="cannot be read"):
        broken.inspect()


def test_two_images_of_the_name_are_not_guessed_between(tmp_path):
    path = annotate(tmp_path, "a", [], imagePath="gone.png")
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / "a.bmp")
    with pytest.raises(AnnotationError, match=r"a\.png and .*a\.bmp have the same name"):
        read(path, "labelme", tmp_path)


def test_a_circle_has_a_radius_and_a_point_has_none(tmp_path):
    path = annotate(tmp_path, "a", [circle("g1", 40.5, 20.25, 4), point("g3", 100, 60)])
    assert [found.radius for found in read(path, "labelme", tmp_path)[0].points] == [4, 0]


@pytest.mark.parametrize("edge", [1.7e308, math.inf, math.nan, "a", None, 10**400])
def test_a_circle_of_infinite_radius_is_refused(tmp_path, edge):
    shape = circle("g1", 5, 5, 1) | {"points": [[5, 5], [edge, -1e308]]}
    with pytest.raises(AnnotationError, match="the radius of g1"):
        read(annotate(tmp_path, "a", [shape]), "labelme", tmp_path)


def test_shapes_of_other_labels_may_be_of_any_kind(tmp_path):
    path = annotate(tmp_path, "a", [{"label": "lid", "points": "none", "shape_type": "mask"}])
    assert not read(path, "labelme", tmp_path)[0].points[0].is_present


def test_a_file_elsewhere_is_named_by_its_last_part_and_a_strange_name_by_escapes(tmp_path):
    (tmp_path / "images").mkdir()
    path = annotate(tmp_path, "a.0001", [])
    assert read(path, "labelme", tmp_path / "images")[0].stem == "a.0001"
    strange = os.fsdecode(bytes(path)[:-5] + b"\xff.json")
    path.rename(strange)
    assert read(Path(strange), "labelme", tmp_path)[0].stem == "a.0001\\udcff"


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\xff\xfe", b"[" * 100_000, b'{"shapes": [[]]}'])
def test_what_is_not_labelme_is_refused(tmp_path, content):
    path = tmp_path / "a.json"
    path.write_bytes(content)
    with pytest.raises(AnnotationError):
        read(path, "labelme", tmp_path)


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
        glints = [found for found in read(tmp_path / "a.json", "labelme", tmp_path)[0].points if found.is_present]
    except AnnotationError as error:
        glints, message = [], str(error)
    else:
        message = ""
    assert "\n" not in message
    assert all(np.isfinite([glint.x, glint.y]).all() for glint in glints)


def test_subdirectories_are_searched_where_requested(tmp_path):
    (tmp_path / "left").mkdir()
    path = annotate(tmp_path / "left", "a", [point("g1", 5, 5)])
    with pytest.raises(AnnotationError, match="--recursive"):
        find_labelme(tmp_path, recursive=False)
    with pytest.raises(AnnotationError, match="No such directory"):
        find_labelme(tmp_path / "gone", recursive=True)
    assert find_labelme(tmp_path, recursive=True) == [path]
    assert read(path, "labelme", tmp_path)[0].stem == "left/a"
