import numpy as np
import pytest
from PIL import Image

from glint_unet.data.annotation.image_annotation import LabelledPoint
from glint_unet.data.annotation.labelme import write_labelme
from glint_unet.errors import AnnotationError, DatasetError
from glint_unet.page.annotate_packing import pack_annotations
from glint_unet.page.browse_reading import read_index


@pytest.fixture
def folder(tmp_path):
    directory = tmp_path / "notes"
    directory.mkdir()
    for k in range(3):
        Image.fromarray(np.full((48, 64), 50 * k, np.uint8)).save(directory / f"eye_{k}.png")
        write_labelme(directory / f"eye_{k}.json", f"eye_{k}.png", (48, 64), [LabelledPoint("g2", 10 + k, 20)])
    return directory


def test_saved_annotations_become_a_data_set(folder, tmp_path):
    packed = pack_annotations(folder, tmp_path / "eyes.h5", ["g1", "g2", "g3"])
    assert packed.num_images == 3
    index = read_index(tmp_path / "eyes.h5")
    assert index.stems == ["eye_0", "eye_1", "eye_2"]
    assert index.keypoints is not None
    assert index.keypoints[:, 1].tolist() == [[10, 20], [11, 20], [12, 20]]
    assert np.isnan(index.keypoints[:, [0, 2]]).all()


def test_nothing_is_replaced_and_a_bad_annotation_leaves_no_file(folder, tmp_path):
    out = tmp_path / "eyes.h5"
    (folder / "eye_1.png").unlink()
    with pytest.raises(AnnotationError, match="eye_1"):
        pack_annotations(folder, out, ["g1", "g2"])
    assert not out.exists()
    out.write_text("mine")
    with pytest.raises(DatasetError, match="exists"):
        pack_annotations(folder, out, ["g1", "g2"])
    assert out.read_text() == "mine"
