"""Models as .safetensors files."""

import numpy as np
import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.safetensors_model import export_safetensors, load_safetensors
from glint_unet.inference.trained_model import load_model
from glint_unet.runs.safetensors_file import read_tensors, write_tensors


@pytest.fixture(scope="module")
def exported(eyes_run, tmp_path_factory):
    """`eyes_run` as a .safetensors file."""
    path = tmp_path_factory.mktemp("exported") / "m.safetensors"
    export_safetensors(load_model(eyes_run), path)
    return path


def test_an_exported_model_is_the_trained_one(eyes_run, eyes_frames, exported):
    trained, loaded = load_model(eyes_run), load_safetensors(exported)
    assert loaded._replace(network=trained.network, path=trained.path) == trained
    ours, theirs = GlintDetector.load(eyes_run)(eyes_frames), GlintDetector.load(exported)(eyes_frames)
    assert ours.present.any()
    assert all(np.array_equal(a, b, equal_nan=True) for a, b in zip(ours, theirs, strict=True))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("arch", "resnet"),
        ("base_channels", "100000"),
        ("base_channels", "many"),
        ("sigma_heatmap_px", "wide"),
        ("stride", "0"),
        ("labels", None),
        ("epoch", None),
    ],
)
def test_metadata_that_describe_no_model_are_refused(exported, tmp_path, name, value):
    tensors, metadata = read_tensors(exported)
    changed = {**metadata, name: value} if value else {k: v for k, v in metadata.items() if k != name}
    write_tensors(tmp_path / "m.safetensors", tensors, changed)
    with pytest.raises(CheckpointError, match=r"m\.safetensors is not a model exported"):
        load_safetensors(tmp_path / "m.safetensors")


def test_weights_of_another_width_are_refused(exported, tmp_path):
    tensors, metadata = read_tensors(exported)
    write_tensors(tmp_path / "m.safetensors", tensors, {**metadata, "base_channels": "5"})
    with pytest.raises(CheckpointError, match="another network"):
        load_safetensors(tmp_path / "m.safetensors")
    write_tensors(tmp_path / "m.safetensors", {"x": torch.ones(2)}, metadata)
    with pytest.raises(CheckpointError, match="another network"):
        load_safetensors(tmp_path / "m.safetensors")
