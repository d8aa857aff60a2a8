"""What a model file and a rig file make of a detector."""

import pytest
import torch

from glint_unet.errors import CheckpointError, DeviceError, SettingError
from glint_unet.inference.backends import open_backend

CPU = torch.device("cpu")


def test_a_run_a_checkpoint_and_an_exported_file_are_the_same_detector(eyes_run, eyes_onnx, eyes_frames):
    results = []
    for path in (eyes_run, eyes_run / "best_model.pth", eyes_onnx):
        backend, options = open_backend(path, CPU)
        assert (options["image_size"], options["num_classes"], options["stride"]) == ((48, 64), 2, 2)
        assert "constellation" not in options
        results.append(backend(eyes_frames[:4])[0])
    assert abs(results[0] - results[2])[results[0] > 0].max() < 0.01
    assert (results[0] == results[1]).all()


def test_what_cannot_be_opened_is_refused(eyes_run, eyes_onnx, tmp_path):
    with pytest.raises(CheckpointError, match="No such checkpoint"):
        open_backend(tmp_path / "none.pth", CPU)
    with pytest.raises(DeviceError, match="run on the CPU"):
        open_backend(eyes_onnx, torch.device("cuda"))
    rig = tmp_path / "rig.toml"
    rig.write_text("[leds]\nnumber = 8\n")
    with pytest.raises(SettingError, match="has 8 LEDs"):
        open_backend(eyes_run, CPU, rig)
    with pytest.raises(SettingError, match="use the run directory"):
        open_backend(eyes_onnx, CPU, rig)
