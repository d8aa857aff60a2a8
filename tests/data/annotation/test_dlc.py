"""DeepLabCut; what all formats share is in test_readers.py."""

import pytest

from glint_unet.errors import AnnotationError
from tests.annotation_files import TRUTH, dlc, glints_of


def test_bodyparts_of_other_names_count_by_their_order(images, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text(dlc(names=["top", "left", "right"])[1])
    assert glints_of(path, "dlc", images, num_classes=None) == TRUTH


def test_a_listed_bodypart_beyond_the_number_of_leds_is_refused(images, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text(dlc()[1])
    with pytest.raises(AnnotationError, match="g3"):
        glints_of(path, "dlc", images, num_classes=2)


def test_further_columns_of_a_bodypart_are_ignored(images, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("scorer,m,m,m\nbodyparts,g1,g1,g1\ncoords,x,y,likelihood\na.png,1,2,0.5\n")
    assert glints_of(path, "dlc", images) == {"a": {0: (1.0, 2.0)}}
