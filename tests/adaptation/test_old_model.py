import pytest

from glint_unet.adaptation.old_model import read_model
from glint_unet.errors import CheckpointError
from glint_unet.pretrained import pretrained_path
from glint_unet.runs.checkpoint import Checkpoint


def test_the_settings_of_a_run_are_those_of_its_checkpoint(eyes_run):
    model, config = read_model(eyes_run)
    assert config == Checkpoint.read(eyes_run / "best_model.pth").config
    assert model.path == eyes_run / "best_model.pth"


def test_the_pretrained_weights_are_read_with_the_settings_of_their_network():
    model, config = read_model(pretrained_path())
    assert (config.arch, config.base_channels, config.class_free) == (model.arch, model.base_channels, True)
    assert config.h5 == ""


def test_a_missing_model_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="missing"):
        read_model(tmp_path / "missing.safetensors")
