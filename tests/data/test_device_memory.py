import pytest
import torch

from glint_unet.data.device_memory import check_room, free_device_bytes, send
from glint_unet.errors import SpaceError

CPU = torch.device("cpu")


def test_what_is_sent_is_a_tensor_of_the_same_values_on_the_device():
    numbers = torch.arange(4)
    assert torch.equal(send(numbers, CPU), numbers)
    assert send(numbers, CPU).device == CPU


def test_a_need_beyond_the_free_memory_is_refused_with_both_numbers(tmp_path, monkeypatch):
    monkeypatch.setattr("glint_unet.data.device_memory.free_device_bytes", lambda device: 3 * 2**20)
    check_room(tmp_path / "a.h5", 3 * 2**20, CPU)
    with pytest.raises(SpaceError, match=r"a\.h5.*4 MB needed, 3 MB free"):
        check_room(tmp_path / "a.h5", 4 * 2**20, CPU)


def test_the_machine_has_some_memory_free():
    assert free_device_bytes(CPU) > 2**20
