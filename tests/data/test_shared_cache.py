import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from glint_unet.data import file_identity
from glint_unet.data.shared_cache import SharedMemoryDatasetCache as Cache
from glint_unet.errors import CacheError, DatasetError, SpaceError
from glint_unet.files import FileLock
from tests.waiting import wait_until

ATTACH = """
import sys
from pathlib import Path
from glint_unet.data import shared_cache
shared_cache.SHARED_MEMORY_ROOT = Path(sys.argv[1])
handle, array, is_new = shared_cache.SharedMemoryDatasetCache.try_attach_or_create(sys.argv[2], "images")
print(int(is_new), int(array.astype("int64").sum()), flush=True)
if len(sys.argv) > 3:
    sys.stdin.read()
"""


def start(root, path, *holding):
    words = [sys.executable, "-c", ATTACH, str(root), str(path), *holding]
    return subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def lines_of(process):
    return process.stdout.readline().split()


@pytest.fixture
def images_sum(private_data):
    with h5py.File(private_data) as file:
        return str(int(file["images"][:].astype("int64").sum()))


def test_the_first_makes_the_copy_and_the_second_attaches(private_data, shm_root):
    first, array, is_new = Cache.try_attach_or_create(private_data, "images")
    second, same, is_new_again = Cache.try_attach_or_create(private_data, "images")
    assert (is_new, is_new_again) == (True, False)
    assert np.array_equal(array, same)
    assert first.path.name == Cache.get_shm_name(private_data, "images")
    assert oct(first.path.stat().st_mode)[-3:] == "600"
    first.close()
    second.close()


def test_a_temporary_copy_goes_with_its_last_user_and_another_one_stays(private_data, shm_root, images_sum):
    first, array, _ = Cache.try_attach_or_create(private_data, "images", temporary=True)
    other = start(shm_root, private_data, "holding")
    assert lines_of(other) == ["0", images_sum]
    first.close()
    first.close()
    assert [copy.in_use for copy in Cache.list_copies()] == [True]
    second, _, is_new = Cache.try_attach_or_create(private_data, "images")
    assert not is_new
    with other:
        other.kill()
    second.close()
    assert Cache.list_copies() == []
    assert str(int(array.astype("int64").sum())) == images_sum  # what is mapped stays readable
    Cache.try_attach_or_create(private_data, "images")[0].close()
    assert len(Cache.list_copies()) == 1


def test_the_copy_is_read_only(private_data, shm_root):
    handle, array, _ = Cache.try_attach_or_create(private_data, "images")
    with pytest.raises(ValueError, match="read-only"):
        array[0] = 0
    handle.close()


def test_a_given_array_is_what_is_shared(private_data, shm_root):
    given = np.arange(12, dtype=np.int32).reshape(3, 4)
    handle, array, is_new = Cache.try_attach_or_create(private_data, "numbers", given)
    assert is_new
    assert np.array_equal(array, given)
    handle.close()


def test_another_process_sees_the_same_bytes(private_data, shm_root, images_sum):
    handle, _, _ = Cache.try_attach_or_create(private_data, "images")
    with start(shm_root, private_data) as other:
        assert lines_of(other) == ["0", images_sum]
    handle.close()


def test_the_copy_outlives_the_process_that_made_it(private_data, shm_root, images_sum):
    with start(shm_root, private_data) as first:
        assert lines_of(first) == ["1", images_sum]
    with start(shm_root, private_data) as second:
        assert lines_of(second) == ["0", images_sum]


def test_processes_that_start_at_once_make_one_copy(private_data, shm_root, images_sum):
    processes = [start(shm_root, private_data) for _ in range(4)]
    answers = [lines_of(process) for process in processes]
    for process in processes:
        process.communicate()
    assert sorted(answer[0] for answer in answers) == ["0", "0", "0", "1"]
    assert {answer[1] for answer in answers} == {images_sum}


def test_a_copy_in_use_is_kept_and_a_dead_user_costs_nothing(private_data, shm_root):
    with start(shm_root, private_data, "holding") as user:
        lines_of(user)
        (copy,) = Cache.list_copies()
        assert copy.in_use
        assert copy.pids == (user.pid,)
        removed, kept = Cache.cleanup(private_data)
        assert (removed, [path.name for path in kept]) == ([], [copy.path.name])
        user.send_signal(signal.SIGKILL)
    removed, kept = Cache.cleanup(private_data)
    assert ([path.name for path in removed], kept) == ([copy.path.name], [])
    assert Cache.list_copies() == []


def test_a_changed_file_gets_a_copy_of_its_own_and_cleanup_finds_the_old_one(private_data, shm_root):
    old, before, _ = Cache.try_attach_or_create(private_data, "images")
    with h5py.File(private_data, "r+") as file:
        file["images"][0] = 0
    new, after, is_new = Cache.try_attach_or_create(private_data, "images")
    assert is_new
    assert before[0].any()
    assert not after[0].any()
    old.close()
    new.close()
    assert len(Cache.cleanup(private_data)[0]) == 2


def test_a_file_replaced_while_it_is_copied_is_copied_again(private_data, shm_root, monkeypatch):
    from glint_unet.data import dataset_reader

    fill = dataset_reader.fill_array
    times: list[int] = []

    def fill_while_the_file_changes(file, name, out):
        fill(file, name, out)
        if not times:
            times.append(1)
            os.utime(private_data)

    monkeypatch.setattr(dataset_reader, "fill_array", fill_while_the_file_changes)
    handle, _, is_new = Cache.try_attach_or_create(private_data, "images")
    assert is_new
    assert not list(handle.path.parent.glob(".*.tmp"))
    handle.close()


def test_what_a_killed_creator_left_is_swept(private_data, shm_root):
    directory = shm_root / f"glint-{os.getuid()}"
    directory.mkdir(mode=0o700)
    half = directory / ".glint_half_images.1.tmp"
    half.write_bytes(b"half")
    handle, _, _ = Cache.try_attach_or_create(private_data, "images")
    assert not half.exists()
    handle.close()


def test_a_full_file_system_is_an_error_before_anything_is_copied(private_data, shm_root, monkeypatch):
    def full(descriptor, offset, size):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(SpaceError, match="has room"):
        Cache.try_attach_or_create(private_data, "images")
    assert not [path for path in shm_root.rglob("*") if path.suffix == ".tmp"]


def test_where_shared_memory_is_full_the_copy_lies_in_the_cache_directory(private_data, shm_root, home, monkeypatch):
    reserve = os.posix_fallocate

    def full_in_shared_memory(descriptor, offset, size):
        if str(shm_root) in str(Path(f"/proc/self/fd/{descriptor}").readlink()):
            raise OSError(28, "No space left on device")
        reserve(descriptor, offset, size)

    monkeypatch.setattr(os, "posix_fallocate", full_in_shared_memory)
    first, _, is_new = Cache.try_attach_or_create(private_data, "images")
    second, _, is_new_again = Cache.try_attach_or_create(private_data, "images")
    assert (is_new, is_new_again) == (True, False)
    assert first.path.parent == second.path.parent == home / ".cache" / "glint_unet" / "shared"
    first.close()
    second.close()
    assert Cache.cleanup(private_data)[0] == [first.path]


def plant_other_mode(path):
    path.chmod(0o644)


def plant_symlink(path):
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


def plant_other_owner(path):
    os.chown(path, 65534, 65534)


def plant_other_header(path):
    content = bytearray(path.read_bytes())
    content[20] ^= 1
    path.write_bytes(content)


def plant_shorter(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "plant", [plant_other_mode, plant_symlink, plant_other_owner, plant_other_header, plant_shorter]
)
def test_a_planted_or_damaged_copy_is_never_used(private_data, shm_root, plant):
    if plant is plant_other_owner and os.getuid() != 0:
        pytest.skip("only root can give a file to another user")
    handle, _, _ = Cache.try_attach_or_create(private_data, "images")
    handle.close()
    plant(handle.path)
    with pytest.raises(CacheError, match="Shared copy"):
        Cache.try_attach_or_create(private_data, "images")


def test_a_planted_directory_is_never_used(private_data, shm_root):
    (shm_root / f"glint-{os.getuid()}").mkdir(mode=0o755)
    with pytest.raises(CacheError, match="not private"):
        Cache.try_attach_or_create(private_data, "images")


def test_an_array_that_the_file_lacks_is_refused(private_data, shm_root):
    with pytest.raises(DatasetError, match="no dataset nonsense"):
        Cache.try_attach_or_create(private_data, "nonsense")


def test_attaching_does_not_read_the_data_set(private_data, shm_root, monkeypatch):
    monkeypatch.setattr(file_identity, "_SETTLED_NS", 0)
    time.sleep(0.05)  # the file is older than the clock of the file system is coarse
    handle, _, _ = Cache.try_attach_or_create(private_data, "images")
    monkeypatch.setattr("builtins.open", None)
    monkeypatch.setattr("h5py.File", None)
    again, _, is_new = Cache.try_attach_or_create(private_data, "images")
    assert not is_new
    handle.close()
    again.close()


def given_images(path, change):
    with h5py.File(path) as file:
        return change(file["images"][:])


BAD_ARRAYS = {
    "float": (lambda images: images / 255, r"float64.*must be uint8 \(20, 32, 32\)"),
    "too few rows": (lambda images: images[:-1], r"uint8 \(19, 32, 32\).*must be uint8 \(20, 32, 32\)"),
    "other axes": (lambda images: images[:, None], "must be"),
    "other values": (lambda images: images[::-1], "other values"),
    "one other value": (lambda images: np.concatenate([images[:-1], images[-1:] ^ 1]), "other values"),
}


@pytest.mark.parametrize("case", BAD_ARRAYS)
def test_a_given_array_that_is_not_what_the_file_holds_is_refused_and_leaves_nothing(private_data, shm_root, case):
    change, message = BAD_ARRAYS[case]
    with pytest.raises(CacheError, match=message):
        Cache.try_attach_or_create(private_data, "images", given_images(private_data, change))
    assert Cache.list_copies() == []
    handle, array, is_new = Cache.try_attach_or_create(private_data, "images", given_images(private_data, np.array))
    assert is_new
    assert np.array_equal(array, given_images(private_data, np.array))
    handle.close()


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    dtype=st.sampled_from([np.uint8, np.int8, np.uint16, np.float16, np.float32, np.bool_]),
    shape=st.lists(st.sampled_from([0, 1, 2, 19, 20, 21, 32]), min_size=0, max_size=4),
)
def test_no_given_array_ever_becomes_wrong_images(private_data, shm_root, dtype, shape):
    with h5py.File(private_data) as file:
        stored = file["images"][:]
    with pytest.raises(CacheError):
        Cache.try_attach_or_create(private_data, "images", np.zeros(shape, dtype))
    handle, array, _ = Cache.try_attach_or_create(private_data, "images")
    assert np.array_equal(array, stored)
    handle.close()
    Cache.cleanup(private_data)


@pytest.mark.parametrize("damage", ["nan", "flipped bit"])
def test_bad_data_is_refused_by_name_and_leaves_nothing(private_data, shm_root, damage):
    if damage == "nan":
        with h5py.File(private_data, "r+") as file:
            file["heatmaps"][3, 0, 0, 0] = np.nan
        name = "heatmaps"
    else:
        with h5py.File(private_data) as file:
            offset = file["images"].id.get_chunk_info(4).byte_offset
        content = bytearray(private_data.read_bytes())
        content[offset + 100] ^= 1
        private_data.write_bytes(content)
        name = "images"
    with pytest.raises(DatasetError, match=name):
        Cache.try_attach_or_create(private_data, name)
    assert Cache.list_copies() == []


def test_listing_and_cleaning_while_copies_come_and_go_never_fails(private_data, shm_root):
    names = ("images", "heatmaps", "keypoints")
    directory = shm_root / f"glint-{os.getuid()}"
    is_over = threading.Event()
    errors = []

    def come_and_go():
        handles = [Cache.try_attach_or_create(private_data, name)[0] for name in names]
        files = {handle.path: handle.path.read_bytes() for handle in handles}
        for handle in handles:
            handle.close()
        while not is_over.is_set():
            for path, content in files.items():
                path.unlink(missing_ok=True)
                new = path.with_name(".new")
                new.write_bytes(content)
                new.rename(path)

    def look():
        try:
            while not is_over.is_set():
                Cache.list_copies()
                Cache.cleanup(private_data)
        except BaseException as error:
            errors.append(error)

    maker = threading.Thread(target=come_and_go)
    viewers = [threading.Thread(target=look) for _ in range(2)]
    maker.start()
    wait_until(lambda: len(list(directory.glob("glint_*_*"))) >= 3)
    for viewer in viewers:
        viewer.start()
    for viewer in viewers:
        viewer.join(1.5)
    is_over.set()
    for thread in (maker, *viewers):
        thread.join()
    assert errors == []


def test_a_copy_that_somebody_only_looks_at_is_not_taken_for_one_in_use(private_data, shm_root, monkeypatch):
    handle, _, _ = Cache.try_attach_or_create(private_data, "images", temporary=True)
    looker = FileLock(handle.path, shared=True)  # as a list of copies holds it for an instant
    looker.acquire()
    monkeypatch.setattr("glint_unet.data.shared_copy.time.sleep", lambda seconds: looker.release())
    handle.close()
    assert Cache.list_copies() == []


OBJECTS = np.array([None, {}], dtype=object)


@pytest.mark.parametrize("given", ["images.npy", [1, 2], 3.0, OBJECTS, np.zeros(2, "u1, f4")])
def test_what_is_no_array_of_plain_values_is_refused_as_one(private_data, shm_root, given):
    with pytest.raises(TypeError, match=r"data_array: .* is not a NumPy array"):
        Cache.try_attach_or_create(private_data, "own", given)
    assert list(shm_root.rglob("*own*")) == []
