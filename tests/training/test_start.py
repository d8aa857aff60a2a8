"""What cannot be trained is refused before anything is written."""

import pytest

from glint_unet.errors import (
    DatasetError,
    DeviceError,
    SettingError,
)
from glint_unet.training.loop import train
from tests.run_files import settings


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
