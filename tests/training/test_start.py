"""What cannot be trained is refused before anything is written; what a resume takes from the run."""

import pytest
import torch

from glint_unet.compute.group import Group
from glint_unet.errors import (
    DatasetError,
    DeviceError,
    SettingError,
)
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.training.loop import train
from glint_unet.training.start import prepare
from tests.run_files import resumed, settings


@pytest.fixture
def threads_restored():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize(
    ("given", "processes", "num"),
    [(0, 1, 3), (3, 1, 3), (2, 1, 2), (3, 2, 1), (2, 2, 2)],  # the run has 3, and this machine 1 (conftest.py)
)
def test_a_resumed_run_keeps_its_number_of_threads_as_sums_depend_on_it(
    finished, threads_restored, given, processes, num
):
    point = find_resume_point(str(finished), None)
    point.checkpoint.train_args["threads"] = 3
    start = prepare(resumed(finished, threads=given, processes=processes), Group(), point)
    assert start.config.threads == start.threads.num == torch.get_num_threads() == num


def test_too_few_images_are_refused_before_anything_is_written(data, tmp_path):
    with pytest.raises(DatasetError, match="N=20"):
        train(settings(data, tmp_path / "run", val_split=0.01))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("gpu", "fragment"), [("0,1", "selects 2 GPUs"), ("x", "not a device number"), ("99", "no such GPU")]
)
def test_gpus_that_cannot_be_used_are_refused(data, tmp_path, gpu, fragment):
    with pytest.raises(DeviceError, match=fragment):
        train(settings(data, tmp_path / "run", gpu=gpu, device="auto"))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("changes", [{"batch": 1}, {"batch": 17}, {"batch": 6, "accumulate": 6}])
def test_a_step_on_one_tiny_image_is_refused_before_anything_is_written(data, tmp_path, changes):
    with pytest.raises(SettingError, match=f"--batch {changes['batch']} leaves a step with one image of at most 32 px"):
        train(settings(data, tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()
