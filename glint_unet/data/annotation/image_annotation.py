"""What every reader returns, and what the readers share: size limit, JSON, finite numbers, stems, finding images.

Points are (x, y) in pixels of the annotated image, as its tool counts them; labels are what the tool's user typed.
"""

import json
import math
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glint_unet.data.images import IMAGE_SUFFIXES, ImageFacts, image_stem, inspect_image
from glint_unet.errors import AnnotationError, one_line

_LARGEST_BYTES = 256 * 2**20


class FormatError(AnnotationError):
    """What a reader finds wrong in a file; `readers.read_annotations` adds the file's name."""


@dataclass(frozen=True)
class LabelledPoint:
    """One point, circle or ellipse of an annotation.

    Attributes:
        label: its name in the tool.
        x, y: its centre; NaN where the tool says that it is hidden or outside the image.
        radius: of a circle, in pixels; 0 for a point.
    """

    label: str
    x: float = math.nan
    y: float = math.nan
    radius: float = 0.0

    @classmethod
    def at(cls, label: str, x: Any, y: Any, radius: float = 0.0) -> "LabelledPoint":
        """A visible point.

        Raises:
            FormatError: numbers that are not finite.
            TypeError, ValueError, OverflowError: no numbers.
        """
        point = cls(label, number(x), number(y), number(radius))
        if not all(math.isfinite(value) for value in (point.x, point.y, point.radius)):
            raise FormatError("annotation_not_finite", label=label, x=point.x, y=point.y, radius=point.radius)
        return point

    @property
    def is_present(self) -> bool:
        """Whether it is visible in the image."""
        return not math.isnan(self.x)


@dataclass(frozen=True)
class ImageAnnotation:
    """One annotated image, as its tool describes it; which label is which LED is decided by `labels.LedLabels`.

    Attributes:
        stem: name that tells where the image comes from.
        where: the annotation file, and the image's name where the file is about many images; for messages.
        image: path of the image file, or of the annotation file that holds the image.
        points: all points, those without an LED's label included.
        names: names of the points in the order in which the tool lists them; () where it has no such list.
        declared_size: (H, W) of the image when it was annotated; None where the file does not say.
        content: reads the image file's bytes from inside the annotation file; None where the image is a file.
    """

    stem: str
    where: str
    image: Path
    points: tuple[LabelledPoint, ...] = ()
    names: tuple[str, ...] = ()
    declared_size: tuple[int | None, int | None] = (None, None)
    content: Callable[[], bytes] | None = None

    def image_bytes(self) -> bytes | None:
        """The image file's content where it is inside the annotation file, else None."""
        return None if self.content is None else self.content()

    def inspect(self) -> ImageFacts:
        """Size and grey levels of the image.

        Raises:
            AnnotationError: the image is missing or broken, or has another size than when it was annotated.
        """
        if not os.path.isfile(self.image):  # noqa: PTH113 - false for names that the system refuses
            raise AnnotationError("annotation_note_no_image", path=self.image)
        facts = inspect_image(self.image, self.image_bytes())
        if any(side not in (None, found) for side, found in zip(self.declared_size, facts.size, strict=True)):
            declared = tuple(side or found for side, found in zip(self.declared_size, facts.size, strict=True))
            raise AnnotationError("annotation_other_size", path=self.where, declared=declared, found=facts.size)
        return facts


@dataclass(frozen=True)
class AnnotationFile:
    """A file to be read.

    Attributes:
        path: the annotation file.
        images: directory in which image names are looked up.
        prefix: label prefix.
    """

    path: Path
    images: Path
    prefix: str

    def text(self) -> str:
        """The file's content.

        Raises:
            AnnotationError: missing, not UTF-8, or larger than 256 MiB.
        """
        try:
            if self.path.stat().st_size > _LARGEST_BYTES:
                raise AnnotationError("annotation_too_large", path=self.path, limit_mb=_LARGEST_BYTES // 2**20)
            return self.path.read_text(encoding="utf-8-sig")
        except (OSError, ValueError) as error:
            reason = one_line(error)
            raise AnnotationError("annotation_not_readable", path=self.path, kind="text", reason=reason) from error

    def json(self) -> Any:
        """The content as JSON, in which no object may have a key twice.

        Raises:
            AnnotationError: not such JSON; see also `text`.
        """
        content = self.text()
        try:
            return json.loads(content, object_pairs_hook=_object)
        except (ValueError, RecursionError) as error:
            reason = f"{type(error).__name__}: {one_line(error)}"
            raise AnnotationError("annotation_not_json", path=self.path, reason=reason) from error

    def is_led(self, label: str) -> bool:
        """Whether a label is an LED's."""
        return led_number(label, self.prefix) is not None

    def annotation(
        self,
        name: str,
        points: Iterable[LabelledPoint],
        *,
        names: tuple[str, ...] = (),
        declared_size: tuple[int | None, int | None] = (None, None),
    ) -> ImageAnnotation:
        """One of the images that the file is about; `name` is the image's name there.

        Raises:
            AnnotationError: the name is empty, or stands for several images.
        """
        if not name.strip("/. "):
            raise FormatError("annotation_no_name")
        where, image = f"{self.path} ({name})", find_image(self.images, name)
        return ImageAnnotation(printable(image_stem(name)), where, image, tuple(points), names, declared_size)


def number(value: Any) -> float:
    """A number, or the text of one as tools write it.

    Raises:
        TypeError, ValueError, OverflowError: something else, such as 1_5, which Python alone takes for 15.
    """
    if isinstance(value, str) and "_" in value:
        raise ValueError(f"could not convert string to float: {value!r}")
    return float(value)


def led_number(label: str, prefix: str) -> int | None:
    """The number of an LED's label, which is the prefix and a number; None for other labels."""
    match = re.fullmatch(re.escape(prefix) + r"([0-9]{1,6})", label)
    return int(match[1]) if match else None


def side_of(value: Any) -> int | None:
    """A declared height or width in pixels; None where a file does not say it (absent, empty or 0).

    Raises:
        TypeError, ValueError, OverflowError: not a number.
    """
    return int(number(value)) if value else None


def printable(name: str) -> str:
    """The name with what HDF5 cannot store as escapes: undecodable bytes of a file's name, and NUL."""
    return name.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def find_image(directory: Path, name: str) -> Path:
    """The image of this name, in the directory that the name says or directly in `directory`.

    Names need no suffix. Where there is no such file, the path where it was expected.

    Raises:
        AnnotationError: a name without suffix stands for several images.
    """
    plain = name.replace("\\", "/")
    for candidate in (directory / name, directory / plain, directory / Path(plain).name):
        if candidate.suffix.lower() in IMAGE_SUFFIXES:
            found = [candidate] if os.path.isfile(candidate) else []  # noqa: PTH113 - false for names that are refused
        else:
            found = images_named(candidate)
        if found:
            return found[0]
    return directory / plain


def images_named(path: Path) -> list[Path]:
    """The image file that has this path except for its suffix, or none.

    Raises:
        AnnotationError: there are several.
    """
    named = [path.with_name(path.name + suffix) for suffix in IMAGE_SUFFIXES] if path.name else []
    found = [one for one in named if os.path.isfile(one)]  # noqa: PTH113 - false for names that the system refuses
    if len(found) > 1:
        raise AnnotationError("annotation_image_ambiguous", first=found[0], second=found[1])
    return found


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise FormatError("annotation_key_twice", name=next(name for name in names if names.count(name) > 1))
    return content


def led_labels(prefix: str, num_leds: int) -> list[str]:
    """The labels of LEDs in the order of their channels: g1, g2, ...; the inverse of `led_number`."""
    return [f"{prefix}{channel + 1}" for channel in range(num_leds)]
