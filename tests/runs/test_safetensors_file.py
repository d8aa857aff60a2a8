"""Bare weights in the safetensors format."""

import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.runs.safetensors_file import read_tensors, write_tensors


def test_tensors_and_metadata_come_back_as_they_were(tmp_path):
    tensors = {"a.weight": torch.rand(2, 3, 4, 4).to(memory_format=torch.channels_last), "b": torch.tensor(3)}
    write_tensors(tmp_path / "w.safetensors", tensors, {"epoch": "3"})
    back, metadata = read_tensors(tmp_path / "w.safetensors")
    assert metadata == {"epoch": "3"}
    assert back.keys() == tensors.keys()
    assert all(torch.equal(back[name], tensor) for name, tensor in tensors.items())
    assert [path.name for path in tmp_path.iterdir()] == ["w.safetensors"]


@pytest.mark.parametrize("content", [b"", b"\x08\0\0\0\0\0\0\0{}      ", b"\xff" * 64, b"cut"])
def test_a_file_that_is_none_is_refused_in_one_line_or_is_empty(tmp_path, content):
    path = tmp_path / "w.safetensors"
    write_tensors(path, {"a": torch.ones(99)}, {})
    path.write_bytes(path.read_bytes()[:-9] if content == b"cut" else content)
    if content.startswith(b"\x08"):
        assert read_tensors(path) == ({}, {})
        return
    with pytest.raises(CheckpointError, match="not a model exported by glint-unet") as refusal:
        read_tensors(path)
    assert "\n" not in str(refusal.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="No such checkpoint"):
        read_tensors(tmp_path / "w.safetensors")
