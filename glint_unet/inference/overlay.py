"""Glints drawn over frames: as PNG files, as a video, and as LabelMe annotations to correct and pack again."""

import json
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.errors import MediaError, SettingError
from glint_unet.files import whole_file, write_bytes
from glint_unet.inference.media import VIDEO_SUFFIXES, Frame
from glint_unet.inference.predictor import Glints

_LEAST_HEIGHT = 480
_LEAST_VIDEO_BYTES = 100
_COLOURS = (
    (75, 180, 60),
    (25, 225, 255),
    (240, 130, 50),
    (230, 50, 240),
    (60, 245, 210),
    (60, 120, 255),
    (255, 190, 0),
)


def draw_glints(image: NDArray[np.uint8], glints: Glints, k: int, labels: list[str]) -> NDArray[np.uint8]:
    """A cross and the LED's name at each present glint, over the frame enlarged to at least 480 rows.

    Args:
        image: (H, W) uint8.
        glints: of a batch; k: the frame's place in it.
        k: see glints.
        labels: the LEDs' names.

    Returns:
        (H', W', 3) uint8, blue-green-red as OpenCV writes it.
    """
    import cv2

    times = max(1, -(-_LEAST_HEIGHT // image.shape[0]))
    size = (image.shape[1] * times, image.shape[0] * times)
    picture = cv2.cvtColor(cv2.resize(image, size, interpolation=cv2.INTER_NEAREST), cv2.COLOR_GRAY2BGR)
    for channel, label in enumerate(labels):
        if glints.present[k, channel]:
            # the centre of pixel 0 is the centre of the first block of `times` pixels
            x, y = ((float(v) + 0.5) * times - 0.5 for v in glints.points[k, channel])
            at, colour = (round(x), round(y)), _COLOURS[channel % len(_COLOURS)]
            cv2.drawMarker(picture, at, colour, cv2.MARKER_CROSS, 13, 1, cv2.LINE_AA)
            beside = (at[0] + 7, at[1] - 6)
            cv2.putText(picture, label, beside, cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 3, cv2.LINE_AA)
            cv2.putText(picture, label, beside, cv2.FONT_HERSHEY_SIMPLEX, 0.45, colour, 1, cv2.LINE_AA)
    return np.asarray(picture, np.uint8)


class Overlay:
    """Where drawn frames go: a video file, or a directory of PNG files.

    Args:
        path: a video's name (.mp4, .avi, ...), or a directory, made if missing.
        fps: of the video.
    """

    def __init__(self, path: Path, fps: float | None) -> None:
        self._path = path
        self._fps = _writable_rate(fps or 30.0)
        self._is_video = path.suffix.lower() in VIDEO_SUFFIXES
        self._video: Any = None
        self._size: tuple[int, int] | None = None
        if self._is_video:
            self._temporary = path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
        else:
            path.mkdir(parents=True, exist_ok=True)

    def add(self, frame: Frame, picture: NDArray[np.uint8]) -> None:
        """Adds a drawn frame.

        Raises:
            MediaError: OpenCV cannot write such a video.
        """
        import cv2

        if not self._is_video:
            _write_png(self._path / f"{frame_name(frame)}.png", picture)
            return
        if self._video is None:
            self._size = (picture.shape[1], picture.shape[0])
            codec = "MJPG" if self._path.suffix.lower() == ".avi" else "mp4v"
            code = cv2.VideoWriter.fourcc(*codec)
            self._video = cv2.VideoWriter(str(self._temporary), code, self._fps, self._size)
            if not self._video.isOpened():
                raise MediaError("media_cannot_write", path=self._path)
        if (picture.shape[1], picture.shape[0]) != self._size:
            picture = np.asarray(cv2.resize(picture, self._size), np.uint8)
        self._video.write(picture)

    def close(self, *, keep: bool = True) -> None:
        """Finishes the video; without `keep` nothing is left of it."""
        if self._video is not None:
            self._video.release()
            if keep and (not self._temporary.exists() or self._temporary.stat().st_size < _LEAST_VIDEO_BYTES):
                raise MediaError("media_cannot_write", path=self._path)
            if keep:
                with whole_file(self._path) as temporary:
                    self._temporary.replace(temporary)
            else:
                self._temporary.unlink(missing_ok=True)


def _writable_rate(fps: float) -> float:
    """The nearest frame rate that MPEG-4 can hold: a fraction of numbers up to 65,535."""
    return round(fps, 3) if fps < 65 else round(fps, 1)


class LabelMeFolder:
    """Annotations to correct in LabelMe and to pack again: a JSON for each frame, the image beside it or where it was.

    Args:
        directory: made if missing; annotations that are there already are not replaced.

    Raises:
        SettingError: the directory holds annotations.
    """

    def __init__(self, directory: Path) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        if any(directory.glob("*.json")):
            raise SettingError("labelme_not_empty", path=directory)
        self._directory = directory

    def add(self, frame: Frame, glints: Glints, k: int, labels: list[str]) -> None:
        """Writes the frame's annotation, one point per present glint; frames of videos and data sets also as PNG."""
        assert frame.image is not None
        name, source = frame_name(frame), Path(frame.source)
        if source.is_file() and source.suffix.lower() not in VIDEO_SUFFIXES:
            image_path = os.path.relpath(source, self._directory)
        else:
            image_path = f"{name}.png"
            _write_png(self._directory / image_path, frame.image)
        shapes: list[dict[str, Any]] = [
            {
                "label": label,
                "points": [[round(float(v), 3) for v in glints.points[k, channel]]],
                "group_id": None,
                "shape_type": "point",
                "flags": {},
            }
            for channel, label in enumerate(labels)
            if glints.present[k, channel]
        ]
        H, W = frame.image.shape
        annotation: dict[str, Any] = {"version": "5.5.0", "flags": {}, "shapes": shapes, "imagePath": image_path}
        annotation |= {"imageData": None, "imageHeight": H, "imageWidth": W}
        text = json.dumps(annotation, ensure_ascii=False, indent=2)
        write_bytes(self._directory / f"{name}.json", text.encode(), survive_power_cut=False)


def _write_png(path: Path, picture: NDArray[np.uint8]) -> None:
    import cv2

    is_good, content = cv2.imencode(".png", picture)
    assert is_good
    write_bytes(path, content.tobytes(), survive_power_cut=False)


def frame_name(frame: Frame) -> str:
    """A file name for a frame: its source's, with the number where that has several frames."""
    source = Path(frame.source)
    stem = re.sub(r"[^\w.-]+", "_", source.stem if source.suffix else frame.source) or "frame"
    return stem if source.is_file() and source.suffix.lower() not in VIDEO_SUFFIXES else f"{stem}_{frame.number:06d}"
