"""Annotated images -> keypoints and heatmaps -> a data set."""

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from glint_unet.data.annotation.image_annotation import ImageAnnotation, led_labels, printable
from glint_unet.data.annotation.labels import Glint, LedLabels
from glint_unet.data.dataset_file import DEFAULT_STRIDE
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.heatmaps import render_heatmaps, scale_points
from glint_unet.data.images import ImageFacts, Placement, WhiteLevel, place_image, read_image
from glint_unet.errors import AnnotationError, SettingError

_LONGEST_SIDE = 640  # of a size that is not requested
_SIDES_MULTIPLE_OF = DEFAULT_STRIDE


@dataclass(frozen=True)
class PackSettings:
    """Sizes and rules of a pack.

    Attributes:
        prefix: label prefix; label {prefix}3 is channel 2.
        sigma_scale: a circle's sigma is this times its radius, both in heatmap pixels ...
        sigma_min: ... but at least this; also the sigma of a point.
        num_classes: C, the number of LEDs; None: inferred from the labels.
        image_size: (H, W) of the data set's images; None: inferred from the images, see `size_of_images`.
        heatmap_size: (h, w) of its heatmaps; None: a quarter.
        stretch: whether images of another aspect are stretched instead of padded.
        compression: 'gzip', 'lzf' or None.
    """

    prefix: str
    sigma_scale: float
    sigma_min: float
    num_classes: int | None = None
    image_size: tuple[int | None, int | None] = (None, None)
    heatmap_size: tuple[int | None, int | None] = (None, None)
    stretch: bool = False
    compression: str | None = "gzip"


@dataclass
class Packed:
    """What a pack has written.

    Attributes:
        labels: which label is which LED.
        image_size: (H, W).
        heatmap_size: (h, w).
        num_images: N.
        num_shown: how many images show each channel.
        of_other_aspect: stems of the images that were padded or stretched.
    """

    labels: LedLabels
    image_size: tuple[int, int]
    heatmap_size: tuple[int, int]
    num_images: int = 0
    num_shown: Counter[int] = field(default_factory=Counter)
    of_other_aspect: list[str] = field(default_factory=list)

    @property
    def unseen(self) -> list[str]:
        """Labels of the LEDs that no image shows."""
        C = self.labels.num_classes
        names = self.labels.in_order or led_labels(self.labels.prefix, C)
        return [name for channel, name in enumerate(names) if not self.num_shown[channel]]


def pack(
    annotations: Sequence[ImageAnnotation],
    source: Path,
    out_h5: Path,
    settings: PackSettings,
    bad: Callable[[AnnotationError], None],
    num_unreadable: int = 0,
) -> Packed:
    """Writes annotated images as a data set.

    All images are inspected before the first one is written: their labels give the number of LEDs, their sizes the
    size, their grey levels one white level for all.

    Args:
        annotations: of the images.
        source: where they come from, for messages.
        out_h5: the file to write; it appears only when it is whole.
        settings: sizes and rules.
        bad: called for each image that cannot be used; it is left out.
        num_unreadable: number of annotation files that could not be read, for messages.

    Raises:
        AnnotationError: not one image could be used, or no label is an LED's; nothing is written.
        SettingError: sigma is not positive, or the prefix is not text.
        DatasetError: sizes whose stride is not 1, 2 or 4.
    """
    _check(settings)
    images = _inspect(annotations, bad)
    num = num_unreadable + len(annotations)
    if not images:
        raise AnnotationError("annotation_all_bad", path=source, num=num)
    labels = LedLabels.of([annotation for annotation, _ in images], settings.prefix, settings.num_classes, source)
    H, W = size_of_images((facts.size for _, facts in images), settings.image_size)
    h, w = settings.heatmap_size
    heatmap_size = h or max(1, H // DEFAULT_STRIDE), w or max(1, W // DEFAULT_STRIDE)
    packed = Packed(labels, (H, W), heatmap_size)
    attributes = {"sigma_scale": settings.sigma_scale, "sigma_min": settings.sigma_min, "prefix": settings.prefix}
    with DatasetWriter(
        out_h5,
        num_classes=labels.num_classes,
        image_size=(H, W),
        heatmap_size=heatmap_size,
        attributes=attributes,
        compression=settings.compression,
    ) as writer:
        _write(writer, images, packed, settings, bad)
        if writer.num_rows == 0:
            raise AnnotationError("annotation_all_bad", path=source, num=num)
    return packed


def _check(settings: PackSettings) -> None:
    if not (settings.sigma_min > 0 and settings.sigma_scale >= 0):
        raise SettingError("sigma_not_positive", sigma_min=settings.sigma_min, sigma_scale=settings.sigma_scale)
    if printable(settings.prefix) != settings.prefix:
        raise SettingError("prefix_not_text", value=settings.prefix)


def size_of_images(sizes: Iterable[tuple[int, int]], requested: tuple[int | None, int | None]) -> tuple[int, int]:
    """(H, W) of a data set's images.

    Sides that are not requested keep the aspect of the commonest size of the images. Without any request that size is
    scaled down until its longer side is at most 640, and its sides are rounded up to multiples of 4.

    Args:
        sizes: (H, W) of each image.
        requested: H and W, each may be None.
    """
    height, width = requested
    if height and width:
        return height, width
    H, W = Counter(sizes).most_common(1)[0][0]
    if height:
        return height, _scaled(W, height, H)
    if width:
        return _scaled(H, width, W), width
    longest = max(H, W)
    return _scaled(H, min(longest, _LONGEST_SIDE), longest), _scaled(W, min(longest, _LONGEST_SIDE), longest)


def _scaled(side: int, new: int, old: int) -> int:
    """`side * new / old`, rounded up to a multiple of 4."""
    return -(-side * new // (old * _SIDES_MULTIPLE_OF)) * _SIDES_MULTIPLE_OF


def _inspect(
    annotations: Sequence[ImageAnnotation], bad: Callable[[AnnotationError], None]
) -> list[tuple[ImageAnnotation, ImageFacts]]:
    """The images that are there and whole as far as their header says, with their facts."""
    images = []
    for annotation in annotations:
        try:
            images.append((annotation, annotation.inspect()))
        except AnnotationError as error:
            bad(error)
    return images


def _write(
    writer: DatasetWriter,
    images: Sequence[tuple[ImageAnnotation, ImageFacts]],
    packed: Packed,
    settings: PackSettings,
    bad: Callable[[AnnotationError], None],
) -> None:
    """Appends every image that can be used, and takes note of it in `packed`."""
    white = WhiteLevel.of(facts for _, facts in images)
    for annotation, facts in images:
        try:
            glints = packed.labels.glints(annotation, facts.size)
            image = read_image(annotation.image, annotation.image_bytes(), white)
        except AnnotationError as error:
            bad(error)
            continue
        placement = Placement.of(facts.size, packed.image_size, stretch=settings.stretch)
        keypoints = _keypoints(glints, placement, packed.labels.num_classes)
        sigma = torch.full(keypoints.shape[:2], settings.sigma_min)
        stride = packed.image_size[0] // packed.heatmap_size[0]
        for glint in glints:
            radius_px = glint.radius * placement.mean_scale / stride
            sigma[0, glint.channel] = max(settings.sigma_min, settings.sigma_scale * radius_px)
        heatmaps = render_heatmaps(keypoints, packed.heatmap_size, stride, sigma)
        placed = place_image(image, placement)[None]
        writer.append(placed, heatmaps.numpy().astype(np.float16), keypoints.numpy(), [annotation.stem])
        packed.num_shown.update(glint.channel for glint in glints)
        if Placement.of(facts.size, packed.image_size).inner != packed.image_size:
            packed.of_other_aspect.append(annotation.stem)
            writer.set_attribute("stretched", "yes" if settings.stretch else "no")
    packed.num_images = writer.num_rows


def _keypoints(glints: Iterable[Glint], placement: Placement, num_classes: int) -> Tensor:
    """(1, C, 2) float32, (x, y) in pixels of the data set's image; NaN where absent."""
    keypoints = torch.full((1, num_classes, 2), math.nan)
    (x, y), (h, w) = placement.corner, placement.inner
    low, high = torch.tensor([x - 0.5, y - 0.5]), torch.tensor([x + w - 0.5, y + h - 0.5])
    for glint in glints:
        point = scale_points(torch.tensor([glint.x, glint.y]), *placement.scale) + torch.tensor([x, y])
        keypoints[0, glint.channel] = point.clamp(low, high)  # rounding may move it over the border
    return keypoints
