import h5py
import numpy as np
import pytest

from glint_unet.data.dataset_reader import read_images
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import DatasetError
from glint_unet.page.browse_reading import read_block, read_image_block, read_index, read_picture


@pytest.fixture
def only(data, tmp_path):
    """Copies `data` without one of its arrays."""

    def without(name):
        path = tmp_path / f"no_{name}.h5"
        path.write_bytes(data.read_bytes())
        with h5py.File(path, "r+") as file:
            del file[name]
        return path

    return without


def test_a_picture_is_the_row_of_the_file(data):
    index = read_index(data)
    picture = read_picture(index.info, 7)
    with h5py.File(data) as file:
        np.testing.assert_array_equal(picture.image, read_images(file, slice(7, 8))[0])
        np.testing.assert_array_equal(picture.keypoints, file["keypoints"][7])
        np.testing.assert_allclose(picture.heatmaps / 255, file["heatmaps"][7], atol=0.003)
        assert index.stems[7] == file["stems"].asstr()[7]


def test_without_heatmaps_they_are_rendered_and_without_keypoints_they_are_the_peaks(data, only):
    whole = read_picture(read_index(data).info, 3)
    rendered = read_picture(read_index(only("heatmaps")).info, 3)
    assert np.abs(rendered.heatmaps.astype(int) - whole.heatmaps).max() <= 1
    from_peaks = read_index(only("keypoints"))
    assert from_peaks.keypoints is None
    np.testing.assert_allclose(read_picture(from_peaks.info, 3).keypoints, whole.keypoints, atol=0.05)
    np.testing.assert_allclose(read_block(from_peaks.info, 3, 5).keypoints[0], whole.keypoints, atol=0.05)


def test_a_block_has_the_labels_that_lie_beside_their_glints(tmp_path):
    path = tmp_path / "large.h5"
    list(write_synthetic(path, Rig.ring(4, image_size=(96, 96), stride=2, level="easy"), num=12, seed=1))
    info = read_index(path).info
    assert not read_block(info, 0, 12).away.any()
    with h5py.File(path, "r+") as file:
        row, channel = np.argwhere(file["present"][:])[5].tolist()
        file["keypoints"][row, channel] += (4, 0)
    info = read_index(path).info
    assert np.argwhere(read_block(info, 0, 12).away).tolist() == [[row, channel]]
    assert read_image_block(info, 2, 5).shape == (3, 96, 96)


def test_a_file_that_is_replaced_while_it_is_browsed_is_noticed(private_data):
    info = read_index(private_data).info
    with h5py.File(private_data, "r+") as file:
        file["keypoints"][0, 0] = (3, 4)
    with pytest.raises(DatasetError, match="has changed since it was opened"):
        read_picture(info, 0)


def test_a_file_that_vanishes_or_is_truncated_is_refused_in_one_line(private_data):
    info = read_index(private_data).info
    content = private_data.read_bytes()
    private_data.write_bytes(content[: len(content) // 2])
    with pytest.raises(DatasetError):
        read_block(info, 0, 4)
    private_data.unlink()
    with pytest.raises(DatasetError, match="private"):
        read_picture(info, 0)
