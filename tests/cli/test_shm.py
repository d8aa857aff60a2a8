import re

import pytest

from glint_unet.data.shared_cache import SharedMemoryDatasetCache as Cache


@pytest.fixture
def copy(private_data, shm_root):
    handle, _, _ = Cache.try_attach_or_create(private_data, "images")
    yield handle
    handle.close()


def test_the_list_names_copy_size_data_set_and_users(command, private_data, copy):
    status, out, err = command("shm", "--list", "--lang", "en")
    assert (status, err) == (0, "")
    assert copy.path.name in out
    assert str(private_data) in out
    assert command("shm", "--list", "--h5", "other.h5", "--lang", "en")[1] != out


def test_a_copy_in_use_is_kept_with_status_one_and_a_free_one_is_removed(command, private_data, copy):
    assert command("shm", "--cleanup", "--h5", private_data, "--lang", "en")[0] == 1
    assert copy.path.exists()
    copy.close()
    status, out, _ = command("shm", "--cleanup_all", "--lang", "en")
    assert status == 0
    assert copy.path.name in out
    assert not copy.path.exists()
    assert command("shm", "--list", "--lang", "en")[0] == 0


def test_an_action_must_be_specified_and_cleanup_needs_a_data_set(command, shm_root):
    for words in ([], ["--cleanup"]):
        status, _, err = command("shm", *words, "--lang", "en")
        assert status == 2
        assert len(err.splitlines()) == 1


def test_a_link_planted_among_the_copies_is_refused_in_one_line(command, private_data, copy):
    copy.path.with_name("glint_planted_images").symlink_to("/etc/passwd")
    status, _, err = command("shm", "--list", "--lang", "en")
    assert status == 2
    assert re.search("glint_planted_images cannot be opened", err)
    assert len(err.splitlines()) == 1
