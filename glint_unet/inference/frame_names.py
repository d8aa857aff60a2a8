"""Unique names for the files that are written for each frame of an input."""

import os
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from glint_unet.data.images import image_stem
from glint_unet.data.media import DATASET_SUFFIXES, Frame, is_image


class FrameNames:
    """Relative paths, without suffix, for the frames of an input.

    Folders below the common parent are preserved: `im/*/*.png` gives left/1 and right/1. Files in one folder that
    differ only in their suffix include it in the name (a_png, a_jpg). Frames of videos and data sets are numbered.

    Args:
        paths: the files of the input.
    """

    def __init__(self, paths: Sequence[Path]) -> None:
        self._folders = {path: Path(os.path.abspath(path.parent)) for path in paths}  # noqa: PTH100 - symlinks stay
        self._root = os.path.commonpath(self._folders.values()) if paths else ""
        self._num_alike = Counter((self._folders[path], path.stem.casefold()) for path in paths)
        self._used: set[str] = set()
        self._of_image = {path: self._unused(self._plain_name(path)) for path in paths if is_image(path)}

    def of_images(self) -> list[Path]:
        """The names of all image files."""
        return list(self._of_image.values())

    def of(self, frame: Frame) -> Path:
        """The name of a frame; call it only once per frame of a video or data set, since each call reserves a name."""
        path = frame.path or Path(frame.source)
        if path in self._of_image:
            return self._of_image[path]
        name = self._plain_name(path)
        if path.suffix.lower() in DATASET_SUFFIXES:
            name = name.with_name(_cleaned(image_stem(frame.source)))
        return self._unused(name.with_name(f"{name.name}_{frame.number:06d}"))

    def _plain_name(self, path: Path) -> Path:
        folder = self._folders.get(path)
        if folder is None:
            return Path(_cleaned(path.stem))
        is_alone = self._num_alike[folder, path.stem.casefold()] == 1
        stem = path.stem if is_alone else f"{path.stem}_{path.suffix.lstrip('.')}"
        return folder.relative_to(self._root) / _cleaned(stem)

    def _unused(self, name: Path) -> Path:
        candidate, number = name, 2
        while str(candidate).casefold() in self._used:
            candidate, number = name.with_name(f"{name.name}_{number}"), number + 1
        self._used.add(str(candidate).casefold())
        return candidate


def _cleaned(stem: str) -> str:
    return re.sub(r"[^\w.-]+", "_", stem) or "frame"
