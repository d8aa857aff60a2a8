import h5py
import numpy as np
import pytest

from glint_unet.errors import DatasetError, GlintError
from glint_unet.page.browse_index import BrowsedDataset, Choice
from glint_unet.page.browse_suspicion import Suspicion
from glint_unet.page.worker import Worker
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def worker():
    one = Worker()
    yield one
    one.close()


def scanned(one):
    wait_until(lambda: not one.is_scanning)


@pytest.fixture(scope="module")
def browsed(data, worker):
    one = BrowsedDataset(data, worker)
    one.start_scan()
    scanned(one)
    assert one.problem is None
    return one


def test_without_a_filter_all_rows_come_in_the_order_of_the_file(browsed):
    assert browsed.rows(Choice()).tolist() == list(range(20))
    assert browsed.num_scanned == 20


def test_rows_are_filtered_by_missing_led_count_stem_and_suspicion(browsed):
    present = np.isfinite(browsed.index.keypoints).all(axis=-1)
    assert browsed.rows(Choice(missing=2)).tolist() == np.flatnonzero(~present[:, 1]).tolist()
    assert browsed.rows(Choice(count=3)).tolist() == np.flatnonzero(present.sum(axis=1) == 3).tolist()
    assert browsed.rows(Choice(stem="5_00001")).tolist() == list(range(10, 20))
    assert browsed.rows(Choice(stem="SYNTHETIC_easy_5_000007")).tolist() == [7]
    empty = browsed.rows(Choice(reason=Suspicion.EMPTY))
    assert empty.tolist() == np.flatnonzero(~present.any(axis=1)).tolist()


def test_statistics_count_images_and_glints(browsed):
    present = np.isfinite(browsed.index.keypoints).all(axis=-1)
    assert browsed.num_present().tolist() == present.sum(axis=0).tolist()
    assert browsed.glints_per_image().tolist() == np.bincount(present.sum(axis=1), minlength=4).tolist()
    assert browsed.num_suspicious()[Suspicion.EMPTY] == (~present.any(axis=1)).sum()


def test_the_suspicious_come_first_whether_the_file_has_keypoints_or_heatmaps_only(data, tmp_path, worker):
    for kept in ("keypoints", "heatmaps"):
        path = tmp_path / f"{kept}.h5"
        path.write_bytes(data.read_bytes())
        with h5py.File(path, "r+") as file:
            row = int(np.flatnonzero(file["present"][:].sum(axis=1) == 3)[-1])
            file["keypoints"][row, 1] = file["keypoints"][row, 0]
            file["heatmaps"][row, 1] = file["heatmaps"][row, 0]
            del file["heatmaps" if kept == "keypoints" else "keypoints"]
        one = BrowsedDataset(path, worker)
        one.start_scan()
        scanned(one)
        assert one.rows(Choice(suspicious_first=True))[0] == row
        assert Suspicion.SAME_SPOT in one.reasons(row)[0]
        assert one.picture(row).keypoints.shape == (3, 2)


def test_what_a_model_contradicts_is_found_and_forgotten_again(eyes_h5, eyes_run, worker, tmp_path):
    path = tmp_path / "wrong.h5"
    path.write_bytes(eyes_h5.read_bytes())
    with h5py.File(path, "r+") as file:
        row = int(np.flatnonzero(file["present"][:].all(axis=1))[3])
        file["keypoints"][row, 0] += 9
    one = BrowsedDataset(path, worker)
    one.start_scan(str(eyes_run))
    scanned(one)
    assert one.problem is None
    assert Suspicion.MODEL in one.reasons(row)[0]
    one.start_scan()
    scanned(one)
    assert not one.num_suspicious()[Suspicion.MODEL]


def test_a_file_that_changes_during_the_scan_ends_it_with_one_line(private_data, worker):
    one = BrowsedDataset(private_data, worker)
    private_data.unlink()
    one.start_scan()
    scanned(one)
    assert isinstance(one.problem, DatasetError)


def look_through(path, worker):
    one = BrowsedDataset(path, worker)
    for row in range(one.index.info.num_images):
        one.picture(row)


def test_hostile_files_are_refused_and_the_page_goes_on(shared_hostile, data, worker):
    for path in sorted(shared_hostile.glob("*.h5"))[:2]:
        impatient = Worker(silence_s=4)
        with pytest.raises(GlintError) as caught:
            look_through(path, impatient)
        assert "\n" not in str(caught.value)
        impatient.close()
    assert BrowsedDataset(data, worker).picture(0).image.shape == (32, 32)
