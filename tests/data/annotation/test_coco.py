"""COCO keypoints; what all formats share is in test_readers.py."""

from tests.annotation_files import coco, glints_of, read


def test_keypoints_of_other_names_count_by_their_order(images, tmp_path):
    path = tmp_path / "notes.json"
    path.write_text(coco(["top", "left", "right"])[1])
    assert glints_of(path, "coco", images)["a"].keys() == {0, 2}


def test_a_hidden_keypoint_is_absent_and_keeps_its_label(images, tmp_path):
    path = tmp_path / "notes.json"
    path.write_text(coco()[1].replace("20.25, 2", "20.25, 1"))
    assert glints_of(path, "coco", images)["a"].keys() == {2}
    assert [point.label for point in read(path, "coco", images)[0].points] == ["g1", "g2", "g3"]


def test_the_declared_size_is_kept(images, tmp_path):
    path = tmp_path / "notes.json"
    path.write_text(coco()[1].replace('"width": 64', '"width": 0', 1))
    assert [one.declared_size for one in read(path, "coco", images)] == [(48, None), (48, 64), (48, 64)]
