"""Frames to be annotated, and what a model finds in them; computed in the page's worker process."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from glint_unet.data.images import read_image
from glint_unet.data.media import Frame, is_image, open_media
from glint_unet.errors import MediaError
from glint_unet.files import write_bytes
from glint_unet.inference.frame_names import FrameNames
from glint_unet.inference.predictor import Glints
from glint_unet.page.browse_model import detector_of


class FrameFile(NamedTuple):
    """One frame.

    Attributes:
        name: of its annotation, a path without suffix below the folder of the annotations.
        image: the image file.
        is_copy: whether the file is a copy in `copies`, made of a video or a data set.
    """

    name: str
    image: Path
    is_copy: bool


class Look(NamedTuple):
    """A frame and what the model finds in it.

    Attributes:
        image: (H, W) uint8.
        glints: the candidates, a batch of one; absent ones have the place where they would be.
    """

    image: NDArray[np.uint8]
    glints: Glints


class Model(NamedTuple):
    """What must be known of a model.

    Attributes:
        labels: the names of its C LEDs.
        names_leds: whether it is known which LED a glint is.
    """

    labels: list[str]
    names_leds: bool


def find_frames(source: Path, copies: Path, most: int) -> list[FrameFile]:
    """The frames of an image, a folder, a video or a data set.

    Args:
        source: what they are taken from.
        copies: existing folder for the frames of a video or data set, as PNG.
        most: of a video or data set with more frames, so many evenly spaced ones are taken.

    Raises:
        GlintError: the input cannot be used, or no frame of it can be read.
    """
    media = open_media(str(source))
    names = FrameNames(media.paths)
    if all(map(is_image, media.paths)):
        files = [FrameFile(str(name), path, False) for name, path in zip(names.of_images(), media.paths, strict=True)]
        return [file for file in files if not file.image.is_symlink()]  # a link may lead outside the roots
    frames = list(_copied(media.evenly_spaced(most), names, copies))
    if not frames:
        raise MediaError("media_all_broken", path=source, num=most, reason="-")
    return frames


def _copied(frames: Iterator[Frame], names: FrameNames, copies: Path) -> Iterator[FrameFile]:
    for frame in frames:
        if frame.image is None:
            continue
        name = names.of(frame)
        path = copies / f"{name}.png"
        content = io.BytesIO()
        Image.fromarray(frame.image).save(content, "PNG")
        write_bytes(path, content.getvalue(), survive_power_cut=False)
        yield FrameFile(str(name), path, True)


def describe_model(run: str, rig: str | None) -> Model:
    """The model of a run (`pretrained`: the weights of the package), with the layout of a rig file.

    Raises:
        GlintError: as `GlintDetector.load`.
    """
    detector = detector_of(run, rig)
    return Model(detector.labels(), detector.names_leds)


def look_at(image: Path, run: str, rig: str | None) -> Look:
    """Reads a frame and finds its glints.

    Raises:
        GlintError: the image cannot be read, or as `GlintDetector.load`.
    """
    pixels = read_image(image)
    return Look(pixels, detector_of(run, rig).candidates(pixels[None, ..., None]))
