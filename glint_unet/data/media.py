"""Images, folders, videos and data sets as a sequence of greyscale frames, read one at a time."""

import contextlib
import glob
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.dataset_file import open_images
from glint_unet.data.dataset_reader import read_images, read_stems
from glint_unet.data.images import IMAGE_SUFFIXES, ImageFacts, WhiteLevel, inspect_image, read_image
from glint_unet.errors import AnnotationError, DatasetError, MediaError
from glint_unet.extras import optional_package
from glint_unet.messages import text

VIDEO_SUFFIXES = (".mp4", ".avi", ".mov", ".mkv", ".m4v", ".mpg", ".mpeg", ".webm", ".wmv")
DATASET_SUFFIXES = (".h5", ".hdf5")

_MOST_BROKEN_IN_A_ROW = 100


class Frame(NamedTuple):
    """One frame of an input.

    Attributes:
        source: the file name, or the stem in a data set.
        number: index of the frame in its video or data set, from 0; 0 for an image file.
        time_s: seconds since the start of the video; None if not known.
        image: (H, W) uint8; None if the frame is broken.
        problem: description of the error if the frame is broken.
        path: the file; None if there is none, as for cameras.
    """

    source: str
    number: int
    time_s: float | None
    image: NDArray[np.uint8] | None
    problem: str | None = None
    path: Path | None = None


@dataclass(frozen=True)
class Media:
    """An existing input.

    Attributes:
        name: the name given by the user.
        paths: the files.
        num_frames: number of frames, as far as known before reading.
        fps: frames per second of a video; None otherwise.
    """

    name: str
    paths: tuple[Path, ...]
    num_frames: int
    fps: float | None = None

    def __iter__(self) -> Iterator[Frame]:
        """Yields the frames in order; an unreadable frame has no image, and iteration continues."""
        white = None
        for path in self.paths:
            if is_image(path):
                if white is None and _is_deep(path):
                    white = WhiteLevel.of(_facts(self.paths))
                yield _image_frame(path, white)
            elif path.suffix.lower() in DATASET_SUFFIXES:
                yield from _dataset_frames(path)
            else:
                yield from _video_frames(path)

    def evenly_spaced(self, most: int) -> Iterator[Frame]:
        """Yields at most `most` evenly spaced frames, broken ones included, the same ones each time.

        All frames of a shorter input; the first ones of an input of unknown length.
        """
        num = 0
        for number, frame in enumerate(self):
            total = self.num_frames
            if total <= most or number * most // total != (number - 1) * most // total:
                yield frame
                num += 1
            if num == most:
                return


def open_media(name: str) -> Media:
    """Opens an input: an image, a folder of images, a glob pattern, a video, or a data set with or without labels.

    Raises:
        MediaError: it does not exist, the folder contains no images, or the file type is not supported.
        DatasetError: the data set cannot be used.
    """
    path = Path(name)
    if path.is_dir():
        paths = sorted(filter(is_image, path.iterdir()))
        if not paths:
            raise MediaError("media_no_images", path=path)
        return Media(name, tuple(paths), len(paths))
    if not path.exists() and glob.has_magic(name):
        paths = sorted(Path(p) for p in glob.glob(name, recursive=True) if Path(p).is_file())  # noqa: PTH207
        if not paths:
            raise MediaError("media_no_match", path=name)
        media = [_open_file(one) for one in paths]
        fps = media[0].fps if len(media) == 1 else None
        return Media(name, tuple(paths), sum(one.num_frames for one in media), fps)
    if not path.exists():
        raise MediaError("media_missing", path=path)
    return _open_file(path)


def _open_file(path: Path) -> Media:
    suffix = path.suffix.lower()
    if is_image(path):
        return Media(str(path), (path,), 1)
    if suffix in DATASET_SUFFIXES:
        with open_images(path) as (_, info):
            return Media(str(path), (path,), info.num_images)
    if suffix in VIDEO_SUFFIXES:
        video = open_video(path)
        num_frames, fps = _video_length(video)
        video.release()
        return Media(str(path), (path,), num_frames, fps)
    raise MediaError("media_unknown", path=path, known=" ".join(IMAGE_SUFFIXES + VIDEO_SUFFIXES + DATASET_SUFFIXES))


def open_video(source: Path | int | str) -> Any:
    """Opens a video file, a camera number or the URL of a stream as a `cv2.VideoCapture`.

    Raises:
        MediaError: OpenCV cannot read it.
        MissingPackageError: OpenCV is not installed.
    """
    cv2 = optional_package("cv2")

    cv2.utils.logging.setLogLevel(0)  # a broken file is reported in one line by us instead of many by OpenCV
    video = cv2.VideoCapture(str(source) if isinstance(source, Path) else source)
    if not video.isOpened() or (isinstance(source, Path) and not video.grab()):
        video.release()
        raise MediaError("media_no_video", path=source)
    if isinstance(source, Path):
        video.release()
        video = cv2.VideoCapture(str(source))
    return video


def _video_length(video: Any) -> tuple[int, float | None]:
    cv2 = optional_package("cv2")

    num_frames, fps = video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)
    return (
        int(num_frames) if math.isfinite(num_frames) and num_frames > 0 else 0,
        float(fps) if math.isfinite(fps) and 0 < fps < 1e5 else None,
    )


def is_image(path: Path) -> bool:
    """Whether a file is an image file, judging by its suffix."""
    return path.suffix.lower() in IMAGE_SUFFIXES


def _facts(paths: Sequence[Path]) -> Iterator[ImageFacts]:
    for path in filter(is_image, paths):
        with contextlib.suppress(AnnotationError):
            yield inspect_image(path)


def _is_deep(path: Path) -> bool:
    """Whether an image has more than 8 bits, so that its white level depends on the other images of the input."""
    return any(one.whole is not None or one.real is not None for one in _facts([path]))


def _image_frame(path: Path, white: WhiteLevel | None) -> Frame:
    try:
        return Frame(str(path), 0, None, read_image(path, white=white), None, path)
    except AnnotationError as error:
        return Frame(str(path), 0, None, None, str(error), path)


def _dataset_frames(path: Path) -> Iterator[Frame]:
    """Yields the rows; an unreadable row is a broken frame. Without readable stems, the file name is used."""
    with open_images(path) as (file, info):
        stems = [path.stem] * info.num_images
        if info.has_stems:
            with contextlib.suppress(DatasetError):
                stems = read_stems(file, info)
        for row in range(info.num_images):
            try:
                yield Frame(stems[row], row, None, read_images(file, row), None, path)
            except DatasetError as error:
                yield Frame(stems[row], row, None, None, str(error), path)


def _video_frames(path: Path) -> Iterator[Frame]:
    """Yields the frames; undecodable frames are broken, unless the video just ends earlier than its header declares."""
    video = open_video(path)
    try:
        declared, fps = _video_length(video)
        number, broken = 0, 0
        while broken <= _MOST_BROKEN_IN_A_ROW:
            is_there, colour = video.read()
            if not is_there:
                if number + broken >= declared:
                    break
                broken += 1
                continue
            for k in range(number, number + broken):
                yield Frame(str(path), k, _time(k, fps), None, text("frame_undecodable"), path)
            number, broken = number + broken, 0
            yield Frame(str(path), number, _time(number, fps), grey_of(colour), None, path)
            number += 1
        if broken:
            problem = text("video_ends_early", declared=declared)
            yield Frame(str(path), number, _time(number, fps), None, problem, path)
    finally:
        video.release()


def _time(number: int, fps: float | None) -> float | None:
    return None if fps is None else number / fps


def grey_of(picture: NDArray[Any]) -> NDArray[np.uint8]:
    """Converts an OpenCV frame, (H, W, 3) BGR or (H, W) grey, to (H, W) uint8."""
    cv2 = optional_package("cv2")

    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY), np.uint8) if picture.ndim == 3 else picture
