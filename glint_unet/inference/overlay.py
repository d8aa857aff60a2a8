"""Draws glints over frames as PNG files or a video, and writes LabelMe annotations to correct and pack again."""

import io
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from glint_unet.data.annotation.image_annotation import LabelledPoint
from glint_unet.data.annotation.labelme import write_labelme
from glint_unet.data.media import VIDEO_SUFFIXES, Frame, Media, is_image
from glint_unet.errors import DatasetError, MediaError, SettingError
from glint_unet.extras import optional_package
from glint_unet.files import whole_file, write_bytes
from glint_unet.inference.frame_names import FrameNames
from glint_unet.inference.predictor import Glints
from glint_unet.report.palette import led_colour

_LEAST_HEIGHT = 480
_ARM_PX, _GAP_PX, _TEXT_PX = 10, 4, 15


def draw_glints(image: NDArray[np.uint8], glints: Glints, k: int, labels: list[str]) -> NDArray[np.uint8]:
    """Draws a labelled cross, open in the middle, at each present glint, over the frame enlarged to at least 480 rows.

    Args:
        image: (H, W) uint8.
        glints: the glints of a batch.
        k: index of the frame in the batch.
        labels: the names of the LEDs.

    Returns:
        (H', W', 3) uint8, RGB.
    """
    times = max(1, -(-_LEAST_HEIGHT // image.shape[0]))
    enlarged = np.repeat(np.repeat(image, times, axis=0), times, axis=1)
    picture = Image.fromarray(enlarged).convert("RGB")
    canvas, font = ImageDraw.Draw(picture), ImageFont.load_default(_TEXT_PX)
    for channel, label in enumerate(labels):
        if glints.present[k, channel]:
            # the centre of pixel 0 is the centre of the first block of `times` pixels
            x, y = (round((float(v) + 0.5) * times - 0.5) for v in glints.points[k, channel])
            colour = led_colour(channel)
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
                ends = [(x + dx * step, y + dy * step) for step in (_GAP_PX, _ARM_PX)]
                canvas.line(ends, fill=colour)
            canvas.text(
                (x + _ARM_PX, y - _ARM_PX), label, colour, font, anchor="ls", stroke_width=1, stroke_fill=(0, 0, 0)
            )
    return np.asarray(picture, np.uint8)


class VideoOverlay:
    """Writes drawn frames as a video; the file gets its final name when it is closed and complete.

    As a context manager, it leaves no video after an error inside the block, since that would be truncated.

    Args:
        path: the video; its suffix is one of `VIDEO_SUFFIXES`.
        fps: frames per second; None, or what a camera reports that does not know it (0, -1, NaN): 30.
    """

    def __init__(self, path: Path, fps: float | None) -> None:
        self._path = path
        self._temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        self._fps = _writable_rate(fps if fps and 0 < fps < math.inf else 30.0)
        self._video: Any = None
        self._size = (0, 0)
        self._num_frames = 0

    def __enter__(self) -> Self:
        return self

    def add(self, frame: Frame, picture: NDArray[np.uint8]) -> None:
        """Adds a drawn frame (H', W', 3) uint8, RGB, resized to the size of the first one.

        Raises:
            MediaError: OpenCV cannot write this type of video.
        """
        cv2 = optional_package("cv2")

        size = (picture.shape[1], picture.shape[0])
        if self._video is None:
            self._size = size
            codec = "MJPG" if self._path.suffix.lower() == ".avi" else "mp4v"
            code = cv2.VideoWriter.fourcc(*codec)
            self._video = cv2.VideoWriter(str(self._temporary), code, self._fps, size)
            if not self._video.isOpened():
                raise MediaError("media_cannot_write", path=self._path)
        picture = picture if size == self._size else cv2.resize(picture, self._size)
        self._video.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        self._num_frames += 1

    def close(self) -> None:
        """Finishes the video and renames it to its final name.

        Raises:
            MediaError: frames are missing, e.g. because the disk is full; the file is removed.
        """
        if self._video is not None:
            self._video.release()
            if not _is_whole(self._temporary, self._num_frames):
                self._temporary.unlink(missing_ok=True)
                raise MediaError("media_cannot_write", path=self._path)
            with whole_file(self._path) as temporary:
                self._temporary.replace(temporary)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is None:
            self.close()
        elif self._video is not None:
            self._video.release()
            self._temporary.unlink(missing_ok=True)


def _is_whole(path: Path, num_frames: int) -> bool:
    """Whether a video has `num_frames` frames and the last one is readable; OpenCV does not report failed writes."""
    cv2 = optional_package("cv2")

    video = cv2.VideoCapture(str(path))
    try:
        if round(video.get(cv2.CAP_PROP_FRAME_COUNT)) != num_frames:
            return False
        video.set(cv2.CAP_PROP_POS_FRAMES, num_frames - 1)
        return bool(video.read()[0])
    finally:
        video.release()


def _writable_rate(fps: float) -> float:
    """The nearest frame rate that MPEG-4 can store: a fraction of integers up to 65,535."""
    return round(fps, 3) if fps < 65 else round(fps, 1)


class PictureOverlay:
    """Writes drawn frames as PNG files, in the folder structure of the input; see `FrameNames`.

    Args:
        path: the output directory, created if missing; or a .png file, if the input is one image.
        paths: the files of the input, which are never replaced.
        overwrite: replace existing files that are not part of the input.

    Raises:
        DatasetError: an output file already exists.
        SettingError: an output file would replace a file of the input.
    """

    def __init__(self, path: Path, paths: Sequence[Path], *, overwrite: bool = False) -> None:
        is_file = path.suffix.lower() == ".png" and len(paths) == 1 and is_image(paths[0])
        self._file = path if is_file else None
        self._directory = path.parent if is_file else path
        self._overwrite = overwrite
        self._inputs = {path.resolve() for path in paths}
        self._names = FrameNames(paths)
        for name in self._names.of_images():
            self._place(name)
        self._directory.mkdir(parents=True, exist_ok=True)

    def __enter__(self) -> Self:
        return self

    def add(self, frame: Frame, picture: NDArray[np.uint8]) -> None:
        """Writes a drawn frame (H', W', 3) uint8, RGB.

        Raises:
            DatasetError, SettingError: as for the class.
        """
        path = self._place(self._names.of(frame))
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_png(path, picture)

    def _place(self, name: Path) -> Path:
        path = self._file or _with_suffix(self._directory / name, ".png")
        if path.resolve() in self._inputs:
            raise SettingError("overlay_over_input", path=path)
        if path.exists() and not self._overwrite:
            raise DatasetError("output_exists", path=path)
        return path

    def __exit__(self, *exc: object) -> None:
        """Does nothing: every file is already complete."""


def open_overlay(path: Path, media: Media, *, overwrite: bool = False) -> VideoOverlay | PictureOverlay:
    """Opens the output for drawn frames of an input.

    Args:
        path: a video if it has the suffix of one, else a directory of PNG files, or the .png file of one image.
        media: the input; none of its files is replaced.
        overwrite: replace existing files.

    Raises:
        DatasetError: an output file already exists.
        SettingError: an output file would replace a file of the input.
    """
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoOverlay(path, media.fps)
    return PictureOverlay(path, media.paths, overwrite=overwrite)


def path_beside(media: Media) -> Path:
    """Where the drawn frames of an input go by default: beside it, `_glints` appended to its name.

    A picture for an image, a video for a video, a directory for anything else.
    """
    first = media.paths[0]
    if len(media.paths) > 1 or Path(media.name).is_dir():
        folder = first.parent.resolve()
        return folder.parent / f"{folder.name}_glints"
    suffix = ".png" if is_image(first) else ".mp4" if first.suffix.lower() in VIDEO_SUFFIXES else ""
    return first.with_name(f"{first.stem}_glints{suffix}")


class LabelMeFolder:
    """Writes LabelMe annotations to correct and pack again: one JSON file per frame.

    An annotation refers to the image file of the input; frames of videos and data sets are written beside it.

    Args:
        directory: the output directory; created if missing. Nothing in it is replaced.
        paths: the files of the input.

    Raises:
        SettingError: the directory already contains annotations.
    """

    def __init__(self, directory: Path, paths: Sequence[Path]) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.glob("*.json")):
            raise SettingError("labelme_not_empty", path=directory)
        self._directory = directory
        self._names = FrameNames(paths)
        for name in self._names.of_images():
            self._place(name, ".json")

    def add(self, frame: Frame, glints: Glints, k: int, labels: list[str]) -> None:
        """Writes the annotation of a frame, with one point per present glint.

        Args:
            frame: the frame, not broken.
            glints: the glints of a batch.
            k: index of the frame in the batch.
            labels: the names of the LEDs.

        Raises:
            SettingError: a file of this name already exists.
        """
        assert frame.image is not None
        name, source = self._names.of(frame), frame.path or Path(frame.source)
        note = self._place(name, ".json")
        note.parent.mkdir(parents=True, exist_ok=True)
        if is_image(source):
            image_path = os.path.relpath(source, note.parent)
        else:
            image = self._place(name, ".png")
            image_path = image.name
            _write_png(image, frame.image)
        points = [
            LabelledPoint(label, *glints.points[k, channel].tolist())
            for channel, label in enumerate(labels)
            if glints.present[k, channel]
        ]
        H, W = frame.image.shape
        write_labelme(note, image_path, (H, W), points)

    def _place(self, name: Path, suffix: str) -> Path:
        path = _with_suffix(self._directory / name, suffix)
        if path.exists():
            raise SettingError("labelme_would_replace", path=path)
        return path


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    content = io.BytesIO()
    Image.fromarray(picture).save(content, "PNG")
    write_bytes(path, content.getvalue(), survive_power_cut=False)


def _with_suffix(path: Path, suffix: str) -> Path:
    """Appends a suffix to a name that may contain dots."""
    return path.with_name(path.name + suffix)
