"""What the readers share: finite numbers, finding images, declared sizes, names."""

import math

import numpy as np
import pytest
from PIL import Image

from glint_unet.data.annotation.image_annotation import (
    AnnotationFile,
    FormatError,
    LabelledPoint,
    find_image,
    led_labels,
    led_number,
    printable,
    side_of,
)
from glint_unet.errors import AnnotationError


@pytest.mark.parametrize("values", [(math.nan, 1), (1, math.inf), (1, 1, math.inf), (10**400, 1), ("a", 1), (None, 1)])
def test_a_point_has_finite_numbers(values):
    with pytest.raises((FormatError, TypeError, ValueError, OverflowError)):
        LabelledPoint.at("g1", *values)


def test_a_point_without_coordinates_is_absent():
    assert not LabelledPoint("g1").is_present
    assert LabelledPoint.at("g1", "1.5", 2).is_present


def test_only_the_prefix_and_a_number_are_an_led():
    assert [led_number(label, "g.") for label in ("g.12", "gx12", "g.", "g.1x", "g.-1", "g.\u0661")] == [12] + [
        None
    ] * 5


def test_an_image_is_found_where_its_name_says_or_directly_in_the_directory(tmp_path):
    (tmp_path / "left").mkdir()
    for name in ("left/a.png", "b.jpg", "c\\d.png"):
        Image.fromarray(np.zeros((4, 4), np.uint8)).save(tmp_path / name)
    for name, found in {
        "left/a.png": "left/a.png",
        "left\\a.png": "left/a.png",
        "left/a": "left/a.png",
        "labeled-data/video/b": "b.jpg",
        "C:\\data\\b.jpg": "b.jpg",
        "c\\d.png": "c\\d.png",
    }.items():
        assert find_image(tmp_path, name) == tmp_path / found
    assert find_image(tmp_path, "gone") == tmp_path / "gone"


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b", "x/" * 3000])
def test_a_name_that_the_system_refuses_is_a_missing_image_in_a_short_line(tmp_path, name):
    annotation = AnnotationFile(tmp_path / "notes.csv", tmp_path, "g").annotation(name, [])
    with pytest.raises(AnnotationError, match="is missing") as caught:
        annotation.inspect()
    assert len(str(caught.value)) < 600


def test_an_image_of_another_size_than_declared_is_refused(tmp_path):
    Image.fromarray(np.zeros((4, 6), np.uint8)).save(tmp_path / "a.png")
    file = AnnotationFile(tmp_path / "notes.csv", tmp_path, "g")
    assert file.annotation("a", [], declared_size=(None, 6)).inspect().size == (4, 6)
    with pytest.raises(AnnotationError, match=r"image of \(4, 3\), but the image is \(4, 6\)"):
        file.annotation("a", [], declared_size=(None, 3)).inspect()


def test_declared_sides_are_numbers_or_missing():
    assert [side_of(value) for value in (None, 0, "", 5, "64", 48.0)] == [None, None, None, 5, 64, 48]
    for value in ("a", [1], math.inf):
        with pytest.raises((TypeError, ValueError, OverflowError)):
            side_of(value)


def test_a_name_of_undecodable_bytes_or_nul_can_be_stored():
    assert printable("eye\udcff\0") == "eye\\udcff\\x00"


def test_a_file_larger_than_the_limit_or_not_utf8_is_refused(tmp_path):
    path = tmp_path / "notes.csv"
    with path.open("wb") as file:
        file.truncate(2**28 + 1)
    with pytest.raises(AnnotationError, match="larger than 256 MB"):
        AnnotationFile(path, tmp_path, "g").text()
    path.write_bytes(b"\xff\xfe")
    for bad in (path, tmp_path / "gone", tmp_path):
        with pytest.raises(AnnotationError, match="cannot be read"):
            AnnotationFile(bad, tmp_path, "g").text()


def test_the_labels_of_leds_are_in_the_order_of_their_channels_and_are_read_back():
    labels = led_labels("g", 11)
    assert (labels[0], labels[-1]) == ("g1", "g11")
    assert [led_number(label, "g") for label in labels] == list(range(1, 12))
