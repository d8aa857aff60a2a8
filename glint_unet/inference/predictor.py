"""A trained network as a function from images to glints."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.config import TrainConfig
from glint_unet.data.heatmaps import decode_heatmaps, scale_points
from glint_unet.data.images import resize_image
from glint_unet.errors import CheckpointError, SettingError
from glint_unet.model.unet import UNet
from glint_unet.training.checkpoint_file import check_fits, read_checkpoint
from glint_unet.training.metrics import PRESENT_FROM_SCORE
from glint_unet.training.run_directory import RunDirectory


class Glints(NamedTuple):
    """The glints of some images.

    Attributes:
        points: (B, C, 2) float32, (x, y) in pixels of the images given, (0, 0) the centre of the top-left pixel.
        scores: (B, C) float32, height of the heatmap's peak, 0..1.
        present: (B, C) bool, where the score says that the LED's glint is there.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    present: NDArray[np.bool_]


class GlintDetector:
    """Finds every LED's glint in grey images of any size.

    Args:
        network: gives logits of heatmaps, (B, C, h, w).
        image_size: (H, W) that the network was trained on; images are resized to it and points back.
        stride: image pixels per heatmap pixel.
        device: where to compute.
    """

    def __init__(
        self, network: torch.nn.Module, image_size: tuple[int, int], stride: int, device: torch.device | str = "cpu"
    ) -> None:
        self._network = network.to(device).eval()
        self._image_size = image_size
        self._stride = stride
        self._device = device

    @classmethod
    def load(cls, run: str | Path, device: torch.device | str = "cpu") -> "GlintDetector":
        """The best model of a run directory, or any full checkpoint.

        Raises:
            CheckpointError: missing, damaged, hostile, or without what a network is built from.
        """
        path = Path(run)
        path = RunDirectory(path).best if path.is_dir() else path
        content = read_checkpoint(path)
        network, dataset = _network_of(content, path)
        return cls(
            network, (int(dataset["image_size"][0]), int(dataset["image_size"][1])), network.output_stride, device
        )

    @torch.no_grad()
    def __call__(self, images: NDArray[np.uint8]) -> Glints:
        """Finds the glints.

        Args:
            images: (B, H, W) or (H, W) uint8 grey.

        Returns:
            Their glints; a single image is a batch of one.

        Raises:
            SettingError: another dtype or number of axes.
        """
        batch = images[None] if images.ndim == 2 else images
        if batch.ndim != 3 or batch.dtype != np.uint8 or 0 in batch.shape:
            raise SettingError("images_form", shape=images.shape, dtype=images.dtype)
        resized = np.stack([resize_image(image, self._image_size) for image in batch])
        logits = self._network(torch.from_numpy(resized).to(self._device)[:, None].float() / 255)
        points, scores = decode_heatmaps(logits.sigmoid(), self._stride)
        scale_x, scale_y = batch.shape[2] / self._image_size[1], batch.shape[1] / self._image_size[0]
        points, scores = scale_points(points, scale_x, scale_y).cpu(), scores.cpu()
        return Glints(points.numpy(), scores.numpy(), (scores >= PRESENT_FROM_SCORE).numpy())


def _network_of(content: dict[str, Any], path: Path) -> tuple[UNet, dict[str, Any]]:
    try:
        config, dataset = TrainConfig.from_dict(content["train_args"]), content["dataset"]
        network = UNet(int(dataset["num_classes"]), config.base_channels, int(dataset["stride"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError("checkpoint_incomplete", path=path, missing=error) from error
    check_fits(content["model_state_dict"], network, path)
    network.load_state_dict(content["model_state_dict"])
    return network, dataset
