import os

import numpy as np
import pytest

from glint_unet.data.shared_copy import HEADER_BYTES, attach, fill_copy, remove_unless_used, status_of
from glint_unet.errors import CacheError

VALUES = np.arange(12, dtype=np.float32).reshape(3, 4)
LABELS = {"source": "/data/eyes.h5", "dataset": "keypoints", "temporary": False}


def fill(out):
    out[...] = VALUES


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "glint_0_keypoints"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    fill_copy(descriptor, (VALUES.shape, VALUES.dtype), LABELS, fill)
    os.close(descriptor)
    return path


def test_what_was_filled_is_attached_read_only_and_shown(path):
    copy = attach(path)
    assert copy is not None
    assert np.array_equal(copy.array, VALUES)
    assert not copy.array.flags.writeable
    status = status_of(path)
    assert status is not None
    assert (status.source, status.dataset, status.in_use, status.pids) == (
        "/data/eyes.h5",
        "keypoints",
        True,
        (os.getpid(),),
    )
    assert status.size_bytes == HEADER_BYTES + VALUES.nbytes
    assert not remove_unless_used(path)
    copy.close()
    assert remove_unless_used(path)
    assert not path.exists()


def test_what_is_not_there_is_neither_attached_nor_shown_nor_in_the_way(tmp_path):
    assert attach(tmp_path / "none") is None
    assert status_of(tmp_path / "none") is None
    assert remove_unless_used(tmp_path / "none")


def test_a_refusal_while_filling_comes_through_as_it_is(tmp_path):
    def refuse(out):
        raise CacheError("cache_damaged", path=tmp_path)

    descriptor = os.open(tmp_path / "half", os.O_RDWR | os.O_CREAT, 0o600)
    with pytest.raises(CacheError, match="damaged"):
        fill_copy(descriptor, (VALUES.shape, VALUES.dtype), LABELS, refuse)
    os.close(descriptor)
    with pytest.raises(CacheError, match="damaged"):
        attach(tmp_path / "half")


@pytest.mark.parametrize("position", [0, 9, 60])
def test_a_changed_header_is_refused_but_still_listed_and_removed(path, position):
    content = bytearray(path.read_bytes())
    content[position] ^= 1
    path.write_bytes(content)
    with pytest.raises(CacheError, match="damaged"):
        attach(path)
    status = status_of(path)
    assert status is not None
    assert (status.source, status.dataset) == ("?", "keypoints")
    assert remove_unless_used(path)
