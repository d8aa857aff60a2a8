"""Plain CSV; what all formats share is in test_readers.py."""

import numpy as np
import pytest
from PIL import Image

from tests.annotation_files import glints_of, read


@pytest.fixture
def path(tmp_path):
    return tmp_path / "notes.csv"


def test_an_led_number_as_pandas_writes_it_is_that_led(images, path):
    path.write_text("stem,led,x,y\na,1.0,10,20\na,3.0,30,40\n")
    assert glints_of(path, "csv", images) == {"a": {0: (10.0, 20.0), 2: (30.0, 40.0)}}


def test_only_the_ending_of_an_image_file_is_left_out_of_a_stem(images, path):
    for name in ("eye.0001", "eye.0002"):
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(images / f"{name}.png")
    path.write_text("stem,led,x,y\neye.0001,1,1,1\neye.0002.png,1,2,2\n")
    found = read(path, "csv", images)
    assert [(one.stem, one.image.is_file()) for one in found] == [("eye.0001", True), ("eye.0002", True)]


def test_a_row_without_coordinates_names_an_image_without_this_glint(images, path):
    path.write_text("stem,led,x,y\na,2,,\nb,,,\nc,nan,nan,nan\n")
    assert glints_of(path, "csv", images) == {"a": {}, "b": {}, "c": {}}
    assert [[point.label for point in one.points] for one in read(path, "csv", images)] == [["g2"], [], []]


def test_blank_lines_and_further_columns_are_ignored(images, path):
    path.write_text("stem, led ,x,y,by\n\na,1,3,4,me\n  \n")
    assert glints_of(path, "csv", images) == {"a": {0: (3.0, 4.0)}}
