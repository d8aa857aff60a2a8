"""Loads a trained network from a run directory or a checkpoint, and makes it the backend of a detector."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from glint_unet.data.appearance import Appearance
from glint_unet.data.dataset_file import DEFAULT_SIGMA_MIN
from glint_unet.data.heatmaps import target_sigma_heatmap_px
from glint_unet.data.split import Split
from glint_unet.errors import CheckpointError, one_line
from glint_unet.model.constellation import Constellation
from glint_unet.model.metrics import PRESENT_FROM_SCORE
from glint_unet.model.network import new_network, num_heatmaps
from glint_unet.model.old_names import renamed_weights
from glint_unet.model.peaks import decode_peaks, num_peaks
from glint_unet.model.votes import decode_output
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.loading import check_fits
from glint_unet.runs.run_directory import RunDirectory

Decoded = tuple[NDArray[np.float32], ...]
"""Points, scores and sigmas of the LEDs; then those of the peaks, where LEDs can be decoded together."""
Backend = Callable[[NDArray[np.uint8]], Decoded]
EXPORTED = (".onnx", ".safetensors")
"""Suffixes of exported files that a detector opens."""


class TrainedModel(NamedTuple):
    """A network with its weights and everything needed to use it.

    Attributes:
        network: the network; returns heatmap logits, followed by votes if it votes.
        arch, base_channels: its architecture and width, as in the settings.
        image_size: (H, W) of its input.
        num_classes: C.
        stride: image pixels per heatmap pixel.
        sigma_heatmap_px: standard deviation of the Gaussians in its target heatmaps, in heatmap pixels.
        threshold: lowest score of a present glint, chosen on the validation images.
        stretch: whether images are stretched to the aspect ratio of the network input.
        prefix: prefix of the LED labels.
        epoch: the epoch of the weights.
        dataset_md5: MD5 of the training data set; empty if unknown.
        path: the checkpoint.
        constellation: of the LEDs, by which `threshold` was chosen; None: each LED is decoded alone.
        threshold_alone: lowest score of a present glint where each LED is decoded alone all the same.
        class_free: whether the network has a single heatmap channel, for the glints of all LEDs.
        appearance: what the images of its training look like; None in runs of earlier versions.
    """

    network: nn.Module
    arch: str
    base_channels: int
    image_size: tuple[int, int]
    num_classes: int
    stride: int
    sigma_heatmap_px: float
    threshold: float
    stretch: bool
    prefix: str
    epoch: int
    dataset_md5: str
    path: Path
    constellation: Constellation | None = None
    threshold_alone: float = PRESENT_FROM_SCORE
    class_free: bool = False
    appearance: Appearance | None = None

    @property
    def num_heatmaps(self) -> int:
        """Heatmap channels of the network."""
        return 1 if self.class_free else self.num_classes

    def options(self) -> dict[str, Any]:
        """Keyword arguments of `GlintDetector`."""
        together = ("constellation", "threshold_alone") if self.constellation else ()
        names = ("image_size", "num_classes", "threshold", "stretch", "stride", "prefix", "class_free", "appearance")
        return {name: getattr(self, name) for name in (*names, *together)}


def load_model(path: Path) -> TrainedModel:
    """Loads the best model of a run directory, or a full checkpoint.

    Raises:
        CheckpointError: missing, damaged, unsafe, or incomplete.
    """
    if path.is_dir() and not RunDirectory(path).best.exists():
        raise CheckpointError("run_without_best", path=path)
    path = RunDirectory(path).best if path.is_dir() else path
    if path.suffix in EXPORTED:
        raise CheckpointError("onnx_is_exported", path=path)
    checkpoint = Checkpoint.read(path)
    if checkpoint.state is None:
        return _model_of_original_implementation(checkpoint, path)
    config, dataset = checkpoint.config, checkpoint.state.dataset
    val_metrics = checkpoint.metrics.get("val", {})
    try:
        stride, (H, W), num_leds = int(dataset["stride"]), map(int, dataset["image_size"]), int(dataset["num_classes"])
        sigma_heatmap_px = target_sigma_heatmap_px(config, stride, float(dataset["sigma_px"]))
        model = TrainedModel(
            network=new_network(config.arch, num_heatmaps(config, num_leds), config.base_channels, stride).eval(),
            arch=config.arch,
            base_channels=config.base_channels,
            image_size=(H, W),
            num_classes=num_leds,
            stride=stride,
            sigma_heatmap_px=sigma_heatmap_px,
            threshold=checked_threshold(checkpoint.threshold),
            stretch=bool(dataset.get("stretched", False)),
            prefix=str(dataset["prefix"]),
            epoch=checkpoint.epoch,
            dataset_md5=str(dataset["md5"]),
            path=path,
            constellation=Constellation.of_run(dataset),
            threshold_alone=checked_threshold(val_metrics.get("threshold_alone", PRESENT_FROM_SCORE)),
            appearance=Appearance.of_run(dataset, val_metrics),
            class_free=config.class_free,
        )
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError) as error:
        raise CheckpointError("checkpoint_incomplete", path=path, missing=error) from error
    if not 0 < sigma_heatmap_px < math.inf:
        raise CheckpointError("checkpoint_incomplete", path=path, missing="sigma_heatmap_px")
    weights = checkpoint.deployed_weights
    check_fits(weights, model.network, path)
    model.network.load_state_dict(weights)
    return model


def checked_threshold(value: Any) -> float:
    """The threshold of a file as a number; raises ValueError or TypeError where it is none from 0 to 1."""
    threshold = float(value)
    if not 0 <= threshold <= 1:
        raise ValueError(f"threshold {threshold:g}")
    return threshold


def _model_of_original_implementation(checkpoint: Checkpoint, path: Path) -> TrainedModel:
    """Converts a checkpoint of the original implementation, which always used the image size and sigma given here."""
    weights = checkpoint.weights
    try:
        width, num_classes = next(iter(weights.values())).shape[0], list(weights.values())[-1].shape[0]
        network = new_network("unet", int(num_classes), int(width), 4).eval()
        network.load_state_dict(renamed_weights(weights, network.state_dict()))
    except (ValueError, RuntimeError, AttributeError, IndexError, StopIteration, TypeError) as error:
        raise CheckpointError("checkpoint_not_of_original", path=path, reason=one_line(error)) from error
    return TrainedModel(
        network=network,
        arch="unet",
        base_channels=int(width),
        image_size=(256, 256),
        num_classes=int(num_classes),
        stride=4,
        sigma_heatmap_px=DEFAULT_SIGMA_MIN,
        threshold=PRESENT_FROM_SCORE,
        stretch=True,  # as its packer did with images
        prefix="g",
        epoch=checkpoint.epoch,
        dataset_md5="",
        path=path,
    )


def recorded_split(path: Path) -> tuple[Split, str]:
    """The split of a run, and the MD5 of its data set.

    Args:
        path: a run directory, a checkpoint, or an exported file.

    Raises:
        CheckpointError: it cannot be read, or contains no split, like exported files and checkpoints of the original
            implementation.
    """
    checkpoint = _recorded_run(path)
    state = checkpoint.run_state()
    return state.split, state.dataset["md5"]


def recorded_decoding(path: Path) -> str:
    """How the run's validation decoded heatmaps, 'subpixel' or 'argmax'; raises as `recorded_split` does."""
    return _recorded_run(path).config.decoding


def _recorded_run(path: Path) -> Checkpoint:
    path = RunDirectory(path).best if path.is_dir() else path
    checkpoint = None if path.suffix in EXPORTED else Checkpoint.read(path)
    if checkpoint is None or checkpoint.state is None:
        raise CheckpointError("no_recorded_split", path=path)
    return checkpoint


class DecodingNetwork(nn.Module):
    """A network with pre- and postprocessing: from 8-bit images to heatmaps, points, scores and sigmas.

    Args:
        model: the model to wrap.
    """

    def __init__(self, model: TrainedModel) -> None:
        super().__init__()
        self.network = model.network
        self._num_classes, self._num_heatmaps, self._stride = model.num_classes, model.num_heatmaps, model.stride
        self._sigma_heatmap_px = model.sigma_heatmap_px
        self._class_free, self._has_constellation = model.class_free, model.constellation is not None

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Finds glints in images (B, H, W) uint8.

        Returns:
            heatmaps (B, C, h, w) in [0, 1]; points (B, C, 2), (x, y) in image pixels; scores (B, C); sigmas (B, C) in
            image pixels. With a constellation also the peaks, as `decode_peaks` returns them. A class-free network has
            one heatmap, points of its C highest peaks, and always the peaks.
        """
        output, *decoded = self.decode(images)
        return output[:, : self._num_heatmaps].sigmoid(), *decoded

    def decode(self, images: Tensor) -> tuple[Tensor, ...]:
        """Like `forward`, but returns the raw network output in place of the heatmaps."""
        output = self.network(images[:, None].float() / 255)
        C, how = self._num_classes, (self._num_heatmaps, self._stride, self._sigma_heatmap_px)
        if not (self._class_free or self._has_constellation):
            return output, *decode_output(output, *how)
        points, scores, sigmas = peaks = decode_peaks(output, *how, num_peaks(C))
        if not self._class_free:
            return output, *decode_output(output, *how), *peaks
        heights, chosen = scores[..., 0].topk(min(C, scores.shape[1]), dim=1)
        highest = points.gather(1, chosen[..., None].expand(-1, -1, 2)), heights, sigmas.gather(1, chosen)
        return output, *highest, *peaks


def torch_backend(model: TrainedModel, device: torch.device | str = "cpu") -> Backend:
    """The backend of a detector that runs the model with PyTorch."""
    network = DecodingNetwork(model).to(device).eval()

    @torch.inference_mode()
    def find(images: NDArray[np.uint8]) -> Decoded:
        _, *decoded = network.decode(torch.from_numpy(images).to(device))
        return tuple(part.cpu().numpy() for part in decoded)

    return find
