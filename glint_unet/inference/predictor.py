"""A trained network as a function from images to glints."""

import math
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.config import TrainConfig
from glint_unet.data.heatmaps import scale_points
from glint_unet.data.images import resize_image
from glint_unet.errors import CheckpointError, SettingError
from glint_unet.model.network import new_network
from glint_unet.model.votes import decode_output
from glint_unet.training.checkpoint_file import check_fits, deployed_weights, read_checkpoint
from glint_unet.training.metrics import PRESENT_FROM_SCORE
from glint_unet.training.run_directory import RunDirectory


class Glints(NamedTuple):
    """The glints of some images.

    Attributes:
        points: (B, C, 2) float32, (x, y) in pixels of the images given, (0, 0) the centre of the top-left pixel.
        scores: (B, C) float32, height of the heatmap's peak, 0..1.
        sigmas: (B, C) float32, predicted standard deviation of the position along x and along y, in the same pixels.
        present: (B, C) bool, where the score says that the LED's glint is there.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    present: NDArray[np.bool_]


class GlintDetector:
    """Finds every LED's glint in grey images of any size.

    Args:
        network: gives logits of heatmaps, and votes where it votes.
        num_classes: C.
        image_size: (H, W) that the network was trained on; images are resized to it and points back.
        sigma_px: standard deviation, in heatmap pixels, of the heatmaps it was trained on.
        device: where to compute.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        num_classes: int,
        image_size: tuple[int, int],
        sigma_px: float,
        device: torch.device | str = "cpu",
    ) -> None:
        self._network = network.to(device).eval()
        self._num_classes = num_classes
        self._image_size = image_size
        self._sigma_px = sigma_px
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
        try:
            config, dataset = TrainConfig.from_dict(content["train_args"]), content["dataset"]
            C, stride, (H, W) = int(dataset["num_classes"]), int(dataset["stride"]), map(int, dataset["image_size"])
            sigma_px = float(dataset["sigma_px"]) if config.targets == "file" else config.sigma_px / stride
            network = new_network(config.arch, C, config.base_channels, stride)
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise CheckpointError("checkpoint_incomplete", path=path, missing=error) from error
        weights = deployed_weights(content)
        check_fits(weights, network, path)
        network.load_state_dict(weights)
        return cls(network, C, (H, W), sigma_px, device)

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
        output = self._network(torch.from_numpy(resized).to(self._device)[:, None].float() / 255)
        stride = self._image_size[0] // output.shape[2]
        points, scores, sigmas = decode_output(output, self._num_classes, stride, self._sigma_px)
        scale_x, scale_y = batch.shape[2] / self._image_size[1], batch.shape[1] / self._image_size[0]
        points, sigmas = scale_points(points, scale_x, scale_y), sigmas * math.sqrt(scale_x * scale_y)
        present = scores >= PRESENT_FROM_SCORE
        return Glints(*(found.cpu().numpy() for found in (points, scores, sigmas, present)))
