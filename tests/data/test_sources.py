import os

import h5py
import numpy as np
import pytest
import torch

from glint_unet.data import dataset_reader
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.origin import origin_of
from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.data.sources import DeviceSource, FileSource, MemorySource, choose_cache, open_source
from glint_unet.errors import CacheError, DatasetError, SpaceError

ROWS = [np.array([7, 2, 2, 19]), np.array([0, 1]), np.array([5])]


def same(a, b) -> bool:
    return all(torch.equal(x.nan_to_num(-1), y.nan_to_num(-1)) for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("num_workers", [0, 2])
def test_memory_shared_copy_and_file_give_the_same_batches(data, shm_root, num_workers):
    info = inspect_dataset(data)
    memory, shared, file = (
        MemorySource(info),
        MemorySource(info, shared=True),
        FileSource(info, num_workers=num_workers),
    )
    device = DeviceSource(info, torch.device("cpu"))
    sources = (memory, shared, file, device)
    for a, b, c, d in zip(*(source.batches(ROWS) for source in sources), strict=True):
        assert a.images.dtype == torch.uint8
        assert a.heatmaps.dtype == torch.float16
        assert same(a, b)
        assert same(a, c)
        assert same(a, d)
    assert device.num_bytes == memory.num_bytes
    for source in sources:
        source.close()


def test_rows_come_in_the_requested_order(data):
    info = inspect_dataset(data)
    with h5py.File(data) as file:
        images = file["images"][:]
    for source in (MemorySource(info), FileSource(info, num_workers=0)):
        assert np.array_equal(source.gather(ROWS[0]).images.numpy(), images[ROWS[0]])
        source.close()


@pytest.mark.parametrize("num_workers", [0, 2])
def test_a_bad_value_in_the_file_is_reported_as_a_mistake_of_the_user_from_any_process(private_data, num_workers):
    with h5py.File(private_data, "r+") as file:
        file["heatmaps"][3, 0, 0, 0] = np.nan
    source = FileSource(inspect_dataset(private_data), num_workers=num_workers)
    with pytest.raises(DatasetError, match="heatmaps"):
        list(source.batches([np.array([0, 1]), np.array([2, 3])]))


def test_a_set_larger_than_the_memory_is_refused_before_it_is_read(data, monkeypatch):
    class Little:
        available = 1000

    monkeypatch.setattr("psutil.virtual_memory", lambda: Little)
    with pytest.raises(SpaceError, match="--no_preload"):
        MemorySource(inspect_dataset(data))


@pytest.fixture
def chunked(data, tmp_path):
    """The same data set in compressed chunks of 8 rows, as other tools write them."""
    path = tmp_path / "chunked.h5"
    with h5py.File(data) as old, h5py.File(path, "w") as new:
        new.attrs.update(old.attrs)
        for name in ("images", "heatmaps", "keypoints"):
            part = old[name][:]
            new.create_dataset(name, data=part, chunks=(8, *part.shape[1:]), compression="gzip")
    return path


@pytest.mark.parametrize("num_workers", [0, 2])
def test_chunks_of_several_rows_give_the_same_batches(data, chunked, num_workers):
    order = np.random.default_rng(0).permutation(20)
    rows = [order[k : k + 3] for k in range(0, 20, 3)]
    wanted = MemorySource(inspect_dataset(data)).batches(rows)
    for a, b in zip(wanted, FileSource(inspect_dataset(chunked), num_workers=num_workers).batches(rows), strict=True):
        assert same(a, b)


def test_a_chunk_is_unpacked_once_for_all_the_batches_read_together(chunked, monkeypatch):
    unpacked = []

    def read(file, rows):
        unpacked.append(rows)
        return dataset_reader.read_images(file, rows)

    monkeypatch.setitem(dataset_reader.READERS, "images", read)
    order = np.random.default_rng(0).permutation(20)
    source = FileSource(inspect_dataset(chunked), num_workers=0)
    assert len(list(source.batches([order[k : k + 3] for k in range(0, 20, 3)]))) == 7
    assert [(rows.start, rows.stop) for rows in unpacked] == [(0, 8), (8, 16), (16, 24)]


def test_few_rows_are_read_together_where_they_are_large(chunked, monkeypatch):
    monkeypatch.setattr(dataset_reader, "_PACKED_TOGETHER", 6 * 32 * 32 * 4)
    source = FileSource(inspect_dataset(chunked), num_workers=0)
    sizes: list[int] = []
    gather = source.gather
    monkeypatch.setattr(source, "gather", lambda rows: sizes.append(len(rows)) or gather(rows))
    assert [len(b.images) for b in source.batches([np.arange(k, k + 4) for k in range(0, 20, 4)])] == [4] * 5
    assert len(sizes) > 1
    assert max(sizes) <= 8


@pytest.mark.parametrize(
    ("requested", "num_processes", "cache", "kind"),
    [
        ("auto", 1, "ram", MemorySource),
        ("auto", 2, "group", MemorySource),
        ("ram", 2, "ram", MemorySource),
        ("device", 1, "device", DeviceSource),
        ("none", 1, "none", FileSource),
    ],
)
def test_the_requested_cache_is_the_one_opened(data, shm_root, requested, num_processes, cache, kind):
    info, device = inspect_dataset(data), torch.device("cpu")
    assert choose_cache(requested, info, device, num_processes) == cache
    source = open_source(info, cache, num_workers=0, device=device)
    assert type(source) is kind
    source.close()


def replaced_by_another_file(path):
    other = path.with_suffix(".new")
    other.write_bytes(path.read_bytes())
    with h5py.File(other, "r+") as file:
        file["images"][...] = 7
    other.replace(path)


def rewritten_in_place(path):
    content = path.read_bytes()
    replaced_by_another_file(path)
    new = path.read_bytes()
    path.write_bytes(content)
    path.write_bytes(new)


def removed(path):
    path.unlink()


@pytest.mark.parametrize("change", [replaced_by_another_file, rewritten_in_place, removed])
@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_file_that_changes_during_a_run_is_refused_before_its_other_images_are_used(
    private_data, num_workers, change
):
    source = FileSource(inspect_dataset(private_data), num_workers=num_workers)
    assert len(list(source.batches(ROWS))) == len(ROWS)
    change(private_data)
    with pytest.raises(DatasetError) as refusal:
        list(source.batches(ROWS))
    assert refusal.value.key in ("dataset_replaced", "dataset_missing_file")
    source.close()


def test_a_file_that_changes_while_it_is_read_is_refused(private_data, monkeypatch):
    read_rows = dataset_reader.read_rows

    def read_while_the_file_changes(file, name, rows):
        values = read_rows(file, name, rows)
        rewritten_in_place(private_data)
        return values

    monkeypatch.setattr(dataset_reader, "read_rows", read_while_the_file_changes)
    source = FileSource(inspect_dataset(private_data), num_workers=0)
    with pytest.raises(DatasetError, match="has changed since the start"):
        source.gather(ROWS[0])
    source.close()


@pytest.mark.parametrize("make", ["private", "shared", "device", "file"])
def test_a_file_that_changes_between_its_examination_and_its_reading_is_refused(private_data, shm_root, make):
    info = inspect_dataset(private_data)
    replaced_by_another_file(private_data)
    opened = {
        "private": lambda: MemorySource(info),
        "shared": lambda: MemorySource(info, shared=True),
        "device": lambda: DeviceSource(info, torch.device("cpu")),
        "file": lambda: FileSource(info, num_workers=0).gather(ROWS[0]),
    }
    with pytest.raises(DatasetError, match="has changed since the start"):
        opened[make]()


@pytest.mark.parametrize("num_workers", [0, 1])
def test_a_file_whose_content_stays_may_be_touched_linked_and_copied_over(private_data, monkeypatch, num_workers):
    monkeypatch.setattr("glint_unet.data.file_identity._SETTLED_NS", 0)
    info, _ = origin_of(str(private_data), seed=0).examine()
    source = FileSource(info, num_workers=num_workers)
    before = list(source.batches(ROWS))
    (private_data.parent / "linked.h5").hardlink_to(private_data)
    os.utime(private_data)
    assert all(same(a, b) for a, b in zip(before, source.batches(ROWS), strict=True))
    private_data.with_suffix(".copy").write_bytes(private_data.read_bytes())
    private_data.with_suffix(".copy").replace(private_data)
    assert all(same(a, b) for a, b in zip(before, source.batches(ROWS), strict=True))
    source.close()


def test_of_two_runs_that_share_a_copy_only_the_maker_of_the_images_says_created(private_data, shm_root):
    info = inspect_dataset(private_data)
    image_handle, _, _ = SharedMemoryDatasetCache.try_attach_or_create(private_data, "images")
    second = MemorySource(info, shared=True)  # makes the heatmaps and keypoints that the first has not yet
    assert "existing" in second.describe()
    second.close()
    image_handle.close()


def test_a_shared_copy_of_another_form_is_refused(private_data, shm_root, monkeypatch):
    """As created by versions before 0.2 from any array passed by the caller."""
    with h5py.File(private_data) as file:
        images = file["images"][:].astype(np.float32)
    monkeypatch.setattr("glint_unet.data.shared_cache._check_given", lambda *arguments: None, raising=False)
    SharedMemoryDatasetCache.try_attach_or_create(private_data, "images", images)[0].close()
    with pytest.raises(CacheError, match=r"float32.*must be.*uint8"):
        MemorySource(inspect_dataset(private_data), shared=True)


def test_a_shared_copy_that_cannot_be_completed_leaves_no_claim_on_its_parts(private_data, shm_root):
    with h5py.File(private_data, "r+") as file:
        file["heatmaps"][3, 0, 0, 0] = np.nan
    with pytest.raises(DatasetError, match="heatmaps"):
        MemorySource(inspect_dataset(private_data), shared=True)
    assert [copy.in_use for copy in SharedMemoryDatasetCache.list_copies()] == [False]
