"""A network built as the first implementation built it gives the same heatmaps under our names."""

import pytest
import torch
from torch import nn

from glint_unet.errors import CheckpointError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import load_model
from glint_unet.model.old_names import renamed_weights
from glint_unet.model.unet import UNet


class OldUNet(nn.Module):
    """Four levels, output at stride 4; decoders are named after the level that they end on, counted from 0."""

    def __init__(self, num_classes=3, base=4, bias=True):
        super().__init__()

        def double(a, b):
            layers = []
            for channels in (a, b):
                layers += [nn.Conv2d(channels, b, 3, padding=1, bias=bias), nn.BatchNorm2d(b), nn.ReLU()]
            return nn.Sequential(*layers)

        self.enc1, self.enc2 = double(1, base), double(base, 2 * base)
        self.enc3, self.enc4 = double(2 * base, 4 * base), double(4 * base, 8 * base)
        self.bottleneck = double(8 * base, 16 * base)
        self.up4 = nn.ConvTranspose2d(16 * base, 8 * base, 2, stride=2)
        self.dec3 = double(16 * base, 8 * base)
        self.up3 = nn.ConvTranspose2d(8 * base, 4 * base, 2, stride=2)
        self.dec2 = double(8 * base, 4 * base)
        self.out_conv = nn.Conv2d(4 * base, num_classes, 1)
        self.pool = nn.MaxPool2d(2)

    def forward(self, x):
        e1 = self.enc1(x)
        e2 = self.enc2(self.pool(e1))
        e3 = self.enc3(self.pool(e2))
        e4 = self.enc4(self.pool(e3))
        x = self.up4(self.bottleneck(self.pool(e4)))
        x = self.dec3(torch.cat([e4, x], dim=1))
        return self.out_conv(self.dec2(torch.cat([e3, self.up3(x)], dim=1)))


def old_network(bias):
    torch.manual_seed(0)
    network = OldUNet(bias=bias)
    for _ in range(3):
        network(torch.rand(2, 1, 64, 64))  # moves the batch statistics away from 0 and 1
    return network.eval()


@pytest.mark.parametrize("bias", [True, False])
def test_the_old_network_under_our_names_says_the_same(bias):
    old = old_network(bias)
    ours = UNet(num_classes=3, base_channels=4, output_stride=4).eval()
    ours.load_state_dict(renamed_weights(old.state_dict(), ours.state_dict()))
    images = torch.rand(2, 1, 64, 96)
    with torch.no_grad():
        assert torch.allclose(ours(images), old(images), atol=1e-4)


def test_an_old_checkpoint_becomes_a_detector(tmp_path):
    content = {"epoch": 7, "model_state_dict": old_network(bias=True).state_dict(), "train_args": {}, "metrics": {}}
    torch.save({**content, "optimizer_state_dict": {}, "timestamp": "2025"}, tmp_path / "best_model.pth")
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
        with pytest.raises(CheckpointError, match="first implementation"):
            load_model(tmp_path / "old.pth")
        assert name
