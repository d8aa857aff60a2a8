"""A trained network as a function from images to glints."""

from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.compute.device import parse_device
from glint_unet.data.images import Placement, place_image, read_image
from glint_unet.errors import DeviceError, SettingError
from glint_unet.inference.onnx_file import open_onnx
from glint_unet.inference.trained_model import Backend, Decoded, load_model, torch_backend
from glint_unet.model.metrics import PRESENT_FROM_SCORE
from glint_unet.settings import range_text

_AGREE_PX = 1.0
_NUM_CHANNELS = (1, 3, 4)


class Glints(NamedTuple):
    """The glints of some images.

    Attributes:
        points: (B, C, 2) float32, (x, y) in pixels of the images given, (0, 0) the centre of the top-left pixel; NaN
            where the LED's glint is absent.
        scores: (B, C) float32, 0..1: how much the network believes that the LED's glint is there.
        sigmas: (B, C) float32, predicted standard deviation of the position along x and along y, in the same pixels.
        present: (B, C) bool, where the score reaches the threshold and the point lies in the image.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    present: NDArray[np.bool_]


class GlintDetector:
    """Finds every LED's glint in grey or colour images of any size. Several threads may call one detector.

    Args:
        backend: from images (B, H, W) uint8 of `image_size` to points (B, C, 2) in their pixels, scores and sigmas
            (B, C).
        image_size: (H, W) of the network's input; images are scaled and padded to it, or stretched, and points moved
            back.
        num_classes: C.
        threshold: score from which a glint counts as present.
        stretch: whether images were stretched to the network's aspect in training, instead of padded.
        stride: image pixels per heatmap pixel.
        prefix: of the LEDs' labels.
        precise: average over four shifts of the image by half a heatmap pixel: more exact, at four times the cost.

    Raises:
        SettingError: a threshold outside 0..1.
    """

    def __init__(
        self,
        backend: Backend,
        image_size: tuple[int, int],
        num_classes: int,
        *,
        threshold: float = PRESENT_FROM_SCORE,
        stretch: bool = False,
        stride: int = 4,
        prefix: str = "g",
        precise: bool = False,
    ) -> None:
        self.image_size = image_size
        self.num_classes = num_classes
        if isinstance(threshold, bool | str) or not 0 <= threshold <= 1:
            raise SettingError("setting_out_of_range", flag="threshold", value=threshold, limit=range_text(0, 1))
        self.threshold = threshold
        self.prefix = prefix
        self._backend = backend
        self._stretch = stretch
        self._shift = max(1, stride // 2) if precise else 0

    @classmethod
    def load(
        cls,
        run: str | Path,
        device: torch.device | str = "cpu",
        *,
        precise: bool = False,
        stretch: bool | None = None,
        threshold: float | None = None,
    ) -> "GlintDetector":
        """The best model of a run directory, any full checkpoint, or an exported .onnx file.

        Args:
            run: the directory or file.
            device: where to compute; .onnx files run on the CPU.
            precise: see the class.
            stretch, threshold: instead of what the run stored; for data sets packed elsewhere, which do not say that
                their images were stretched.

        Raises:
            CheckpointError: missing, damaged, hostile, or without what a network is built from.
            DeviceError: no such device here, or another than the CPU for an .onnx file.
        """
        path, on = Path(run), parse_device(device)
        if path.suffix == ".onnx":
            if on.type != "cpu":
                raise DeviceError("onnx_on_cpu", path=path, value=on)
            backend, options = open_onnx(path)
        else:
            model = load_model(path)
            backend, options = torch_backend(model, on), model.options()
        options |= {} if stretch is None else {"stretch": stretch}
        options |= {} if threshold is None else {"threshold": threshold}
        return cls(backend, precise=precise, **options)

    def labels(self) -> list[str]:
        """The LEDs' names in the order of the channels: g1, g2, ..."""
        return [f"{self.prefix}{channel + 1}" for channel in range(self.num_classes)]

    def __call__(self, images: NDArray[Any] | str | Path) -> Glints:
        """Finds the glints.

        Args:
            images: an image file, or an array: one image or a batch of images of one size, (H, W), (B, H, W), or with a
                last axis of 1 grey level, 3 colours, or 4 with transparency: (H, W, 3), (B, H, W, 1), ... An array of
                three axes whose last has length 1, 3 or 4 is one image. uint8; uint16 over its full range; or float in
                0..1.

        Returns:
            Their glints; a single image is a batch of one.

        Raises:
            SettingError: another dtype, number of axes, or values that are not finite or out of range.
            AnnotationError: a file that cannot be read as an image.
        """
        glints = self.candidates(images)
        return glints._replace(points=np.where(glints.present[..., None], glints.points, np.float32(np.nan)))

    def candidates(self, images: NDArray[Any] | str | Path) -> Glints:
        """As a call, with the most likely position of absent glints too, which may lie outside the image.

        For figures that compare positions at several thresholds. Arguments and errors are those of a call.
        """
        grey = as_grey(read_image(Path(images))) if isinstance(images, str | Path) else as_grey(images)
        placement = Placement.of((grey.shape[1], grey.shape[2]), self.image_size, stretch=self._stretch)
        points, scores, sigmas = self._find(np.stack([place_image(image, placement) for image in grey]))
        points = placement.back(points)
        present = (scores >= self.threshold) & placement.holds(points)  # a point in the padding is not in the image
        return Glints(points, scores, sigmas / np.float32(placement.mean_scale), present)

    def _find(self, images: NDArray[np.uint8]) -> Decoded:
        """Points, scores and sigmas in the network's frame."""
        first = points, scores, sigmas = self._backend(images)
        if not self._shift:
            return first
        sums, weights = points / sigmas[..., None] ** 2, 1 / sigmas**2
        for x, y in ((self._shift, 0), (0, self._shift), (self._shift, self._shift)):
            H, W = images.shape[1:]
            shifted = np.ascontiguousarray(np.pad(images, ((0, 0), (y, 0), (x, 0)), mode="edge")[:, :H, :W])
            predicted, _, spread = self._backend(shifted)
            predicted = predicted - np.array([x, y], np.float32)
            agrees = np.linalg.norm(predicted - points, axis=-1) <= np.maximum(_AGREE_PX, 2 * sigmas)
            weight = agrees / spread**2
            sums, weights = sums + predicted * weight[..., None], weights + weight
        return (sums / weights[..., None]).astype(np.float32), scores, sigmas


def as_grey(images: NDArray[Any]) -> NDArray[np.uint8]:
    """Images as (B, H, W) uint8; see `GlintDetector.__call__` for what is accepted.

    Raises:
        SettingError: another form, dtype or range.
    """
    given = np.asarray(images)
    array = _with_channels(given)
    if array.dtype == np.uint16:
        array = (array >> 8).astype(np.uint8)
    elif array.dtype in (np.float16, np.float32, np.float64):
        if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
            raise SettingError("images_range", low=float(array.min()), high=float(array.max()))
        array = (array * 255 + 0.5).astype(np.uint8)
    elif array.dtype != np.uint8:
        raise SettingError("images_form", shape=given.shape, dtype=given.dtype)
    if array.shape[-1] == 1:
        return array[..., 0]
    red, green, blue = (array[..., k].astype(np.uint32) for k in range(3))
    # luminance of ITU-R BT.601, as Pillow calculates it
    return ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16).astype(np.uint8)


def _with_channels(array: NDArray[Any]) -> NDArray[Any]:
    """Images of any accepted form as (B, H, W, 1, 3 or 4)."""
    has_channels = array.ndim > 2 and array.shape[-1] in _NUM_CHANNELS
    num_axes = array.ndim - has_channels
    is_ambiguous = array.ndim == 3 and has_channels and array.shape[1] in _NUM_CHANNELS  # rows of pixels, or of images
    is_of_two = array.ndim == 3 and array.shape[-1] == 2
    if num_axes not in (2, 3) or 0 in array.shape or is_ambiguous or is_of_two:
        raise SettingError("images_form", shape=array.shape, dtype=array.dtype)
    with_channels = array if has_channels else array[..., None]
    return with_channels if num_axes == 3 else with_channels[None]
