"""A network built as the first implementation built it gives the same heatmaps under our names."""

import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import load_model
from glint_unet.model.old_names import renamed_weights
from glint_unet.model.unet import UNet
from tests.original_unet import old_network, original_checkpoint


@pytest.mark.parametrize("bias", [True, False])
def test_the_old_network_under_our_names_says_the_same(bias):
    old = old_network(bias)
    ours = UNet(num_classes=3, base_channels=4, output_stride=4).eval()
    ours.load_state_dict(renamed_weights(old.state_dict(), ours.state_dict()))
    images = torch.rand(2, 1, 64, 96)
    with torch.no_grad():
        assert torch.allclose(ours(images), old(images), atol=1e-4)


def test_an_old_checkpoint_becomes_a_detector(tmp_path):
    original_checkpoint(tmp_path / "best_model.pth")
    model = load_model(tmp_path)
    assert (model.num_classes, model.stride, model.image_size, model.epoch) == (3, 4, (256, 256), 7)
    glints = GlintDetector.load(tmp_path / "best_model.pth")(torch.zeros(2, 100, 120, dtype=torch.uint8).numpy())
    assert glints.points.shape == (2, 3, 2)


def test_other_weights_are_refused_with_the_first_difference(tmp_path):
    state = old_network(bias=True).state_dict()
    for name, broken in {
        "left over": state | {"more": torch.zeros(3)},
        "missing": dict(list(state.items())[:-4]),
        "shape": {**state, "enc2.0.weight": torch.zeros(5, 5)},
        "empty": {},
    }.items():
        content = {"epoch": 1, "model_state_dict": broken, "train_args": {}, "metrics": {}, "timestamp": "2025"}
        torch.save(content | {"optimizer_state_dict": {}}, tmp_path / "old.pth")
        with pytest.raises(CheckpointError, match="original implementation"):
            load_model(tmp_path / "old.pth")
        assert name
