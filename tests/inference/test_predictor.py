import numpy as np
import pytest
import torch

from glint_unet.config import TrainConfig
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.errors import CheckpointError, SettingError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.training.loop import train


class BrightestPixel(torch.nn.Module):
    """A stand-in for a perfect network: logits that peak where the image is brightest."""

    def forward(self, images):
        B, _, H, W = images.shape
        index = images.reshape(B, -1).argmax(dim=1)
        points = torch.stack([index % W, index // W], dim=-1).float()[:, None]
        return torch.logit(render_heatmaps(points, (H // 4, W // 4), 4, 1.5).clamp(1e-6, 1 - 1e-6))


@pytest.mark.parametrize("size", [(64, 96), (128, 192), (100, 110)])
def test_points_are_in_the_frame_of_the_image_that_was_given(size):
    row, column = size[0] // 3, size[1] // 2
    rows, columns = np.mgrid[: size[0], : size[1]]
    image = (250 * np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 30)).astype(np.uint8)
    glints = GlintDetector(BrightestPixel(), 1, (64, 96), 1.5)(image)
    assert glints.points.shape == (1, 1, 2)
    assert np.abs(glints.points[0, 0] - [column, row]).max() <= 1 + 0.5 * max(size[0] / 64, size[1] / 96)
    assert glints.present.all()


def test_a_run_becomes_a_detector(data, tmp_path):
    run = tmp_path / "run"
    small = {"base_channels": 2, "epochs": 1, "progress": False, "device": "cpu", "lang": "en"}
    config = TrainConfig(h5=str(data), output_dir=str(run), **small)
    train(config)
    images = np.random.default_rng(0).integers(0, 255, (3, 32, 32), dtype=np.uint8)
    from_run, from_file = GlintDetector.load(run)(images), GlintDetector.load(run / "latest_checkpoint.pth")(images)
    assert from_run.points.shape == (3, 3, 2)
    assert np.array_equal(from_run.points, from_file.points)
    assert np.array_equal(from_run.present, from_run.scores >= 0.5)
    with pytest.raises(CheckpointError, match="No such checkpoint"):
        GlintDetector.load(tmp_path / "none")


@pytest.mark.parametrize(
    "images", [np.zeros((4, 4), np.float32), np.zeros((1, 4, 4, 3), np.uint8), np.zeros((0, 4), np.uint8)]
)
def test_other_arrays_are_refused(images):
    with pytest.raises(SettingError, match="uint8"):
        GlintDetector(BrightestPixel(), 1, (8, 8), 1.5)(images)
