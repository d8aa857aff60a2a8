"""CVAT for images; what all formats share is in test_readers.py."""

import pytest

from tests.annotation_files import TRUTH, cvat, glints_of, read


def test_a_cvat_point_outside_the_frame_is_absent(images, tmp_path):
    path = tmp_path / "notes.xml"
    path.write_text(cvat()[1].replace('points="10.50,20.25"', 'outside="1" points="10.50,20.25"'))
    assert len(glints_of(path, "cvat", images)["a"]) == len(TRUTH["a"]) - 1


def test_an_ellipse_is_a_circle_of_the_same_area_at_its_centre(images, tmp_path):
    path = tmp_path / "notes.xml"
    shape = '<ellipse label="g2" occluded="0" cx="12.5" cy="7" rx="8" ry="2" rotation="30"></ellipse>'
    path.write_text(cvat()[1].replace('<points label="pupil"', f'{shape}<points label="pupil"', 1))
    assert glints_of(path, "cvat", images)["a"][1] == (12.5, 7.0)
    (found,) = [point for point in read(path, "cvat", images)[0].points if point.label == "g2"]
    assert found.radius == pytest.approx(4)


def test_the_points_of_a_skeleton_are_its_glints_and_shapes_of_other_labels_may_be_of_any_kind(images, tmp_path):
    path = tmp_path / "notes.xml"
    more = '<skeleton label="eye"><points label="g2" points="3,4"><attribute name="n">1</attribute></points></skeleton>'
    more += '<polygon label="lid" points="1,1;2,2;3,3"/><tag label="blink"/>'
    path.write_text(cvat()[1].replace('<points label="pupil"', f'{more}<points label="pupil"', 1))
    assert glints_of(path, "cvat", images)["a"] == TRUTH["a"] | {1: (3.0, 4.0)}
