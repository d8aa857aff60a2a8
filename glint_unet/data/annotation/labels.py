"""Labels -> LEDs, by one rule for all formats, and how many LEDs there are."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from glint_unet.data.annotation.image_annotation import ImageAnnotation, led_number
from glint_unet.data.dataset_file import NUM_CHANNELS_LIMIT
from glint_unet.errors import AnnotationError, some


@dataclass(frozen=True)
class Glint:
    """One annotated glint.

    Attributes:
        channel: LED number minus one.
        x, y: centre in pixels of the annotated image, (0, 0) the centre of the top-left pixel.
        radius: of the circle, in pixels; 0 for a point.
    """

    channel: int
    x: float
    y: float
    radius: float


@dataclass(frozen=True)
class LedLabels:
    """Which label is which LED.

    A label of the prefix and a number n is LED n. Where no label has this form and the tool lists its names in an order
    of their own, as COCO and DeepLabCut do, the first of them is LED 1, and so on.

    Attributes:
        num_classes: C, the number of LEDs.
        prefix: label prefix.
        in_order: the names that are LEDs by their order; () where labels have numbers.
        ignored: labels that are no LED's, and how often they appear.
    """

    num_classes: int
    prefix: str
    in_order: tuple[str, ...]
    ignored: Mapping[str, int]

    @classmethod
    def of(
        cls, annotations: Sequence[ImageAnnotation], prefix: str, num_classes: int | None, source: Path
    ) -> "LedLabels":
        """The labels of a set of images.

        Args:
            annotations: of all images.
            prefix: label prefix.
            num_classes: C; None: the highest number of a label, or the number of names in order.
            source: where the annotations come from, for messages.

        Raises:
            AnnotationError: there are labels but none is an LED's, C cannot be inferred, or a listed name has a number
                above C.
        """
        names = tuple(dict.fromkeys(name for one in annotations for name in one.names))
        labels = Counter(point.label for one in annotations for point in one.points)
        numbers = {label: led_number(label, prefix) for label in (*names, *labels)}
        possible = [number for number in numbers.values() if number and number <= NUM_CHANNELS_LIMIT]
        has_numbers = any(number is not None for number in numbers.values())
        if names and not has_numbers and num_classes in (None, len(names)) and len(names) <= NUM_CHANNELS_LIMIT:
            return cls(len(names), prefix, names, {label: num for label, num in labels.items() if label not in names})
        if numbers and not possible:
            raise AnnotationError("annotation_no_led", path=source, labels=some(list(numbers)), prefix=prefix)
        if num_classes is None and not possible:
            raise AnnotationError("annotation_no_labels", path=source)
        C = num_classes or max(possible)
        for name in names:
            _check_number(name, numbers[name], prefix, C, str(source))
        return cls(C, prefix, (), {label: num for label, num in labels.items() if numbers[label] is None})

    def glints(self, annotation: ImageAnnotation, size: tuple[int, int]) -> tuple[Glint, ...]:
        """The visible glints of an image of `size` = (H, W): at most one per LED, each inside the image.

        Raises:
            AnnotationError: a label's number is not in 1..C, an LED is annotated twice, or a point is outside the
                image.
        """
        found: dict[int, Glint] = {}
        for point in annotation.points:
            channel = self._channel(point.label, annotation.where)
            if channel is None or not point.is_present:
                continue
            if channel in found:
                raise AnnotationError("annotation_led_twice", path=annotation.where, label=point.label)
            glint = Glint(channel, point.x, point.y, point.radius)
            _check_inside(glint, size, point.label, annotation.where)
            found[channel] = glint
        return tuple(found.values())

    def _channel(self, label: str, where: str) -> int | None:
        if self.in_order:
            return self.in_order.index(label) if label in self.in_order else None
        number = led_number(label, self.prefix)
        _check_number(label, number, self.prefix, self.num_classes, where)
        return None if number is None else number - 1


def _check_number(label: str, number: int | None, prefix: str, num_classes: int, where: str) -> None:
    if number is not None and not 1 <= number <= num_classes:
        raise AnnotationError("annotation_led", path=where, label=label, prefix=prefix, num_classes=num_classes)


def _check_inside(glint: Glint, size: tuple[int, int], label: str, where: str) -> None:
    H, W = size
    if not (-0.5 <= glint.x <= W - 0.5 and -0.5 <= glint.y <= H - 0.5):
        raise AnnotationError("annotation_outside", path=where, label=label, x=glint.x, y=glint.y, H=H, W=W)
    if glint.radius > max(H, W):
        raise AnnotationError("annotation_radius", path=where, label=label, radius=glint.radius, H=H, W=W)
