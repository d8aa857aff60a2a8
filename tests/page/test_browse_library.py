import h5py
import pytest

from glint_unet.errors import DatasetError
from glint_unet.page.browse_library import Library, library


@pytest.fixture
def fresh():
    one = Library()
    yield one
    one.close()


def test_visitors_share_an_open_data_set_until_its_file_changes(fresh, private_data):
    first = fresh.dataset(private_data)
    assert fresh.dataset(private_data) is first
    changed = private_data.with_name(
        "changed.h5"
    )  # while the first one is still being examined, it cannot be written to
    changed.write_bytes(private_data.read_bytes())
    with h5py.File(changed, "r+") as file:
        file["keypoints"][0, 0] = (3, 4)
    changed.replace(private_data)
    second = fresh.dataset(private_data)
    assert second is not first
    assert second.index.keypoints[0, 0].tolist() == [3, 4]
    private_data.unlink()
    with pytest.raises(DatasetError):
        fresh.dataset(private_data)


def test_only_a_few_data_sets_stay_open(fresh, data, tmp_path):
    paths = [tmp_path / f"{k}.h5" for k in range(6)]
    for path in paths:
        path.write_bytes(data.read_bytes())
    first = fresh.dataset(paths[0])
    for path in paths[1:]:
        fresh.dataset(path)
    assert not first.is_scanning
    assert fresh.dataset(paths[0]) is not first


def test_a_server_has_one_library():
    assert library() is library()
