"""The detector: a trained network as a function from images to glints."""

import copy
import dataclasses
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.compute.device import parse_device
from glint_unet.data.annotation.image_annotation import led_labels
from glint_unet.data.appearance import Appearance
from glint_unet.data.images import Placement, as_grey, lies_inside, place_image, read_image
from glint_unet.errors import SettingError
from glint_unet.inference.backends import open_backend
from glint_unet.inference.closer_look import Window, closer_windows, closer_windows_of_unnamed, highest
from glint_unet.inference.familiarity import Familiarity
from glint_unet.inference.region import Region
from glint_unet.inference.trained_model import Backend, Decoded
from glint_unet.model.constellation import LEAST_LEDS, Constellation
from glint_unet.model.metrics import PRESENT_FROM_SCORE
from glint_unet.model.unnamed import UNNAMED_PREFIX, name_peaks
from glint_unet.pretrained import PRETRAINED, model_path
from glint_unet.settings import range_text

_AGREE_PX = 1.0
_LEAST_EVIDENCE = 0.8


class Glints(NamedTuple):
    """The glints of a batch of images.

    Attributes:
        points: (B, C, 2) float32, (x, y) in pixels of the input images, (0, 0) the centre of the top-left pixel; NaN
            where the glint of an LED is absent.
        scores: (B, C) float32, 0..1: confidence that the glint of the LED is present.
        sigmas: (B, C) float32, predicted standard deviation of the position along x and along y, in the same pixels.
        present: (B, C) bool: the score reaches the threshold and the point is inside the image.
    """

    points: NDArray[np.float32]
    scores: NDArray[np.float32]
    sigmas: NDArray[np.float32]
    present: NDArray[np.bool_]

    def of_frame(self, k: int) -> "Glints":
        """Those of image k alone, a batch of one."""
        row = slice(k, k + 1)
        return Glints(self.points[row], self.scores[row], self.sigmas[row], self.present[row])


class GlintDetector:
    """Finds the glint of every LED in greyscale or colour images of any size; thread-safe.

    Args:
        backend: maps images (B, H, W) uint8 of `image_size` to points (B, C, 2) in their pixels, scores and sigmas
            (B, C); with a constellation, or if it is class-free, also to what `decode_peaks` returns.
        image_size: (H, W) of the network input; images are scaled and padded (or stretched) to it, and points are
            transformed back.
        num_classes: C.
        threshold: lowest score of a present glint.
        stretch: stretch images to the aspect ratio of the network input, as in its training data, instead of padding.
        stride: image pixels per heatmap pixel.
        prefix: prefix of the LED labels.
        precise: average over four shifts of the image by half a heatmap pixel: more accurate, at four times the cost.
        constellation: decodes all LEDs of an image together by it; None: each LED alone.
        threshold_alone: lowest score of a present glint without the constellation.
        closer_look: where images have more pixels than the network input and the layout is small in it, the network
            also reads the part around the layout, at up to the images' own scale; needs a constellation, or a
            class-free network.
        class_free: the network has one heatmap for all LEDs. Without a constellation, its C highest peaks are returned,
            the highest first, and it is not known which LEDs they are.
        appearance: what the images of its training look like; None: unknown.
        any_size: whether the backend takes images of any size, as `look` needs; not in .onnx files of earlier versions.

    Raises:
        SettingError: the threshold is outside 0..1.
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
        constellation: Constellation | None = None,
        threshold_alone: float = PRESENT_FROM_SCORE,
        closer_look: bool = True,
        class_free: bool = False,
        appearance: Appearance | None = None,
        any_size: bool = True,
    ) -> None:
        self.image_size = image_size
        self.num_classes = num_classes
        if isinstance(threshold, bool | str) or not 0 <= threshold <= 1:
            raise SettingError("setting_out_of_range", flag="threshold", value=threshold, limit=range_text(0, 1))
        self.threshold = threshold
        self.prefix = prefix
        self._backend = backend
        self.stretch = stretch
        shift = max(1, stride // 2)
        self._shifts = ((0, 0), (shift, 0), (0, shift), (shift, shift))[: 4 if precise else 1]
        self.constellation = constellation
        self._threshold_alone = threshold_alone
        self._closer_look = closer_look
        self._class_free = class_free
        self.appearance = appearance
        self.any_size = any_size

    @classmethod
    def load(
        cls,
        run: str | Path = PRETRAINED,
        device: torch.device | str = "cpu",
        *,
        precise: bool = False,
        stretch: bool | None = None,
        threshold: float | None = None,
        constellation: bool | None = None,
        closer_look: bool = True,
        rig: str | Path | None = None,
    ) -> "GlintDetector":
        """Loads the best model of a run directory, a full checkpoint, or an exported .onnx or .safetensors file.

        Args:
            run: the directory or file; by default the pretrained weights of the package, which are class-free.
            device: the compute device; .onnx files run on the CPU.
            precise: see the class.
            stretch: overrides the stored value; for data sets of other packers that stretched the images without
                recording it.
            threshold: overrides the stored value.
            constellation: whether all LEDs of an image are decoded together; None: if the model has a constellation,
                which runs with at least 4 LEDs record.
            closer_look: see the class.
            rig: a rig file; its constellation replaces that of the model. A class-free model takes any rig of at least
                4 LEDs, others one of as many LEDs as they have.

        Raises:
            CheckpointError: missing, damaged, unsafe, or incomplete.
            DeviceError: there is no such device, or it is not the CPU for an .onnx file.
            RigError: the rig file cannot be used.
            SettingError: the threshold is outside 0..1, the model has no constellation although one is required, or the
                rig does not fit the model or contradicts `constellation`.
        """
        path = model_path(run)
        if rig is not None and constellation is False:
            raise SettingError("rig_without_constellation", rig=rig)
        backend, options = open_backend(path, parse_device(device), None if rig is None else Path(rig))
        options |= {} if stretch is None else {"stretch": stretch}
        if constellation and not options.get("constellation"):
            raise SettingError("no_constellation", path=path)
        if constellation is False and options.pop("constellation", None):
            options["threshold"] = options.pop("threshold_alone")
        options |= {} if threshold is None else {"threshold": threshold}
        appearance = options.get("appearance")
        if appearance and (threshold is not None or rig is not None):
            # what validation found does not compare with what is found at another threshold or by another rig
            size_px = appearance.size_px if rig is None else None
            options["appearance"] = dataclasses.replace(appearance, size_px=size_px, sigma_px=None, num_found=None)
        return cls(backend, precise=precise, closer_look=closer_look, **options)

    def without_constellation(self) -> "GlintDetector":
        """The same detector, but each LED is decoded alone (or unnamed), at the threshold chosen for that."""
        other = copy.copy(self)
        other.constellation, other.threshold = None, self._threshold_alone
        return other if self.constellation else self

    def for_leds(self, num: int) -> "GlintDetector":
        """The same detector; unnamed glints are at most `num` per image."""
        other = copy.copy(self)
        other.num_classes = self.num_classes if self.names_leds else num
        return other

    @property
    def names_leds(self) -> bool:
        """Whether it is known which LED each glint is: not for a class-free model without a constellation."""
        return self.constellation is not None or not self._class_free

    def familiarity(self) -> Familiarity:
        """A new comparison of images with those of the training: add images and their glints to it."""
        return Familiarity(self.appearance, self._placement)

    def labels(self) -> list[str]:
        """The names of the LEDs in the order of the channels: g1, g2, ...; glint1, glint2, ... if that is not known."""
        prefix = self.prefix if self.names_leds else UNNAMED_PREFIX
        return led_labels(prefix, self.num_classes)

    def __call__(self, images: NDArray[Any] | str | Path) -> Glints:
        """Finds the glints in one image or a batch of images.

        Args:
            images: the path of an image file, or an array of shape (H, W), (B, H, W), (H, W, K) or (B, H, W, K) with
                K = 1 (grey), 3 (RGB) or 4 (RGBA) channels; a 3-D array whose last axis has length 1, 3 or 4 is one
                image. uint8, uint16 using the full range, or float in 0..1.

        Returns:
            The glints; a single image is a batch of one.

        Raises:
            SettingError: unsupported dtype or number of axes, or values that are not finite or out of range.
            AnnotationError: the file cannot be read as an image.
        """
        glints = self.candidates(images)
        return glints._replace(points=np.where(glints.present[..., None], glints.points, np.float32(np.nan)))

    def candidates(self, images: NDArray[Any] | str | Path) -> Glints:
        """Like a call, but with the most likely position of absent glints too, which may be outside the image.

        For metrics that compare several thresholds. Arguments and errors are those of a call.
        """
        return self._candidates(*self._seen(images))

    def look(self, image: NDArray[np.uint8], region: Region, near: NDArray[np.float32] | None = None) -> Glints:
        """The candidates in one frame, of which the network sees a region only.

        Args:
            image: (H, W) uint8.
            region: the part, and how large the network sees it.
            near: (C, 2) places of all LEDs in pixels of the frame, if the layout is known to be close to them; needs a
                constellation.
        """
        placement, corner = region.placement, np.array(region.window[:2], np.float32)
        known = None if near is None else placement.forth(near - corner)[None]
        shown = np.stack([place_image(region.window.cut_from(image), placement)])
        points, scores, sigmas = self._combined(self._looks(shown), known)
        points = placement.back(points) + corner
        present = (scores >= self.threshold) & lies_inside(points, image.shape)
        return Glints(points, scores, sigmas / np.float32(placement.mean_scale), present)

    def closest_scale(self, glints: Glints, image_size: tuple[int, int]) -> NDArray[np.float64]:
        """(2,) pixels of the network input per pixel of a frame (H, W), along x and y, in the closest look at it.

        Args:
            glints: its candidates, a batch of one.
            image_size: (H, W).
        """
        placement = self._placement(image_size)
        windows = self._windows(glints, placement) if self._looks_closer else {}
        if windows:
            placement = Placement.of((windows[0].height, windows[0].width), self.image_size)
        return np.array(placement.scale)

    def candidates_with_and_without(self, images: NDArray[Any] | str | Path) -> tuple[Glints, Glints]:
        """The `candidates` of this detector and those of `without_constellation`; the network sees images once."""
        seen, alone = self._seen(images), self.without_constellation()
        together = self._candidates(*seen)
        return together, together if alone is self else alone._candidates(*seen)

    def _seen(self, images: NDArray[Any] | str | Path) -> tuple[NDArray[np.uint8], Placement, list[Decoded]]:
        """Images as (B, H, W), their placement in the network's input, and what the backend returns for them."""
        grey = as_grey(read_image(Path(images)) if isinstance(images, str | Path) else images)
        placement = self._placement((grey.shape[1], grey.shape[2]))
        return grey, placement, self._looks(np.stack([place_image(image, placement) for image in grey]))

    def _candidates(self, grey: NDArray[np.uint8], placement: Placement, looks: list[Decoded]) -> Glints:
        """The candidates in images (B, H, W), from what the backend returned for them."""
        points, scores, sigmas = self._combined(looks)
        points = placement.back(points)
        present = (scores >= self.threshold) & placement.holds(points)  # a point in the padding is absent
        glints = Glints(points, scores, sigmas / np.float32(placement.mean_scale), present)
        return self._looked_closer(grey, glints, placement) if self._looks_closer else glints

    @property
    def _looks_closer(self) -> bool:
        return self._closer_look and (self._class_free or self.constellation is not None) and not self.stretch

    def peaks(self, images: NDArray[Any] | str | Path) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What looks like a glint in images, whichever LED it is of: as many places as the network's peaks.

        Args:
            images: as for a call.

        Returns:
            points (B, M, 2) float32, (x, y) in pixels of the input images, and scores (B, M) float32, 0..1.

        Raises:
            SettingError: the model decodes each LED alone; or as a call.
        """
        _, placement, looks = self._seen(images)
        _, _, _, *peaks = looks[0]
        if not peaks:
            raise SettingError("model_without_peaks", least=LEAST_LEDS)
        points = placement.back(peaks[0])
        return points, np.where(placement.holds(points), peaks[1].max(axis=-1), np.float32(0))

    def _looked_closer(self, grey: NDArray[np.uint8], first: Glints, placement: Placement) -> Glints:
        """The glints of images (B, H, W), each from a closer look where that finds at least as much."""
        windows = self._windows(first, placement)
        if not windows:
            return first
        inner = [Placement.of((window.height, window.width), self.image_size) for window in windows.values()]
        parts = [window.cut_from(grey[row]) for row, window in windows.items()]
        shown = np.stack([place_image(*pair) for pair in zip(parts, inner, strict=True)])
        found = self._combined(self._looks(shown))
        points, scores, sigmas = (array.copy() for array in first[:3])
        for k, (row, window) in enumerate(windows.items()):
            corner = np.array((window.left, window.top), np.float32)
            closer = inner[k].back(found[0][k]) + corner, found[1][k], found[2][k] / inner[k].mean_scale
            stays = np.zeros(self.num_classes, bool) if self.names_leds else ~window.holds(points[row])
            if closer[1].sum() >= _LEAST_EVIDENCE * scores[row, ~stays].sum():
                outer = points[row, stays], scores[row, stays], sigmas[row, stays]
                points[row], scores[row], sigmas[row] = closer if self.names_leds else highest(closer, outer)
        return Glints(points, scores, sigmas, (scores >= self.threshold) & placement.holds(points))

    def _windows(self, first: Glints, placement: Placement) -> dict[int, Window]:
        """Where the images of the first look are worth a closer one."""
        if self.constellation:
            return closer_windows(first.points, first.present, self.image_size, placement.mean_scale)
        counts = (first.scores >= self.threshold / 2) & placement.holds(first.points)
        weights = np.where(counts, first.scores, 0)
        return closer_windows_of_unnamed(first.points, weights, self.image_size, placement.mean_scale)

    def _placement(self, image_size: tuple[int, int]) -> Placement:
        return Placement.of(image_size, self.image_size, stretch=self.stretch)

    def _looks(self, images: NDArray[np.uint8]) -> list[Decoded]:
        """What the backend returns for images of the network's input size at each of the shifts."""
        return [self._backend(_shifted(images, *shift)) for shift in self._shifts]

    def _combined(self, looks: list[Decoded], near: NDArray[np.float32] | None = None) -> Decoded:
        """Points, scores and sigmas in the frame of the network input; the mean of looks that agree.

        `near` (B, C, 2): where the layout is, if that is known.
        """
        known = [None if near is None else near + np.array(shift, np.float32) for shift in self._shifts]
        (points, scores, sigmas), *others = (self._decoded(*pair) for pair in zip(looks, known, strict=True))
        if not others:
            return points, scores, sigmas
        sums, weights = points / sigmas[..., None] ** 2, 1 / sigmas**2
        for shift, (predicted, _, spread) in zip(self._shifts[1:], others, strict=True):
            predicted = predicted - np.array(shift, np.float32)
            if not self.names_leds:  # glints may come in another order
                nearest = np.linalg.norm(points[:, :, None] - predicted[:, None], axis=-1).argmin(axis=-1)
                predicted = np.take_along_axis(predicted, nearest[..., None], axis=1)
                spread = np.take_along_axis(spread, nearest, axis=1)
            agrees = np.linalg.norm(predicted - points, axis=-1) <= np.maximum(_AGREE_PX, 2 * sigmas)
            weight = agrees / spread**2
            sums, weights = sums + predicted * weight[..., None], weights + weight
        return (sums / weights[..., None]).astype(np.float32), scores, sigmas

    def _decoded(self, look: Decoded, near: NDArray[np.float32] | None) -> Decoded:
        """Points, scores and sigmas of the LEDs, from what the backend returned."""
        points, scores, sigmas, *peaks = look
        if self.names_leds and not self.constellation:
            return points, scores, sigmas
        at, heights, deviations = peaks
        return tuple(name_peaks(at, heights, deviations, self.num_classes, self.constellation, near))


def _shifted(images: NDArray[np.uint8], x: int, y: int) -> NDArray[np.uint8]:
    """Images (B, H, W) moved to the right and down; their border is continued."""
    H, W = images.shape[1:]
    return np.ascontiguousarray(np.pad(images, ((0, 0), (y, 0), (x, 0)), mode="edge")[:, :H, :W]) if x or y else images
