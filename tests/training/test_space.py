"""The disk space of a run; a disk that is too small is refused in tests/training/test_record.py."""

import shutil

import pytest
import torch

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.split import draw_split
from glint_unet.errors import SpaceError
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.space import check_space_of_run
from glint_unet.training.state import new_state
from tests.run_files import settings


def test_more_checkpoints_need_more_space(data, tmp_path, monkeypatch):
    few, many = settings(data, tmp_path, save_freq=0), settings(data, tmp_path, save_freq=1, epochs=50, keep_last_n=40)
    info = inspect_dataset(data)
    state = new_state(few, info, torch.device("cpu"), draw_split(info.num_images, 0.1, 0))
    weights = sum(tensor.numel() * tensor.element_size() for tensor in state.network.state_dict().values())

    class Usage:
        free = 20 * weights

    monkeypatch.setattr(shutil, "disk_usage", lambda path: Usage)
    check_space_of_run(few, RunDirectory(tmp_path), state)
    with pytest.raises(SpaceError, match="cannot hold the checkpoints"):
        check_space_of_run(many, RunDirectory(tmp_path), state)
