"""What one server of the page shows and allows."""

import os
from dataclasses import dataclass
from pathlib import Path

from glint_unet.errors import PageError


@dataclass(frozen=True)
class Context:
    """What a server shows and allows; no file outside `runs` and `data` is read.

    Attributes:
        runs: the directory whose runs and sweeps are shown.
        data: data sets, and directories of data sets, images and videos.
        allow_control: whether visitors may stop and resume runs, and write annotations and rig files.
    """

    runs: Path
    data: tuple[Path, ...] = ()
    allow_control: bool = False

    def run_path(self, name: str) -> Path:
        """A file or directory below `runs`, by its path relative to it.

        Raises:
            PageError: it is not there, it lies elsewhere, or a link in the directory leads elsewhere.
        """
        path = inside(self.runs, name)
        if links_lead_outside(path, self.runs):
            raise PageError("ui_not_there", name=name)
        return path


def inside(root: Path, name: str) -> Path:
    """An existing file or directory below a root, by its relative path.

    Links are followed before the check, so that a link inside the root cannot lead outside it.

    Raises:
        PageError: it does not exist, cannot be reached, or lies outside the root.
    """
    try:
        path = (root / name).resolve(strict=True)
        is_inside = path.is_relative_to(root.resolve(strict=True))
    except (OSError, ValueError, RuntimeError) as error:
        raise PageError("ui_not_there", name=name) from error
    if not is_inside:
        raise PageError("ui_not_there", name=name)
    return path


def links_lead_outside(directory: Path, root: Path) -> bool:
    """Whether a directory contains a link to something outside a root: whoever reads its files would follow it."""
    try:
        with os.scandir(directory) as entries:
            links = [Path(entry.path) for entry in entries if entry.is_symlink()]
        return any(not link.resolve().is_relative_to(root.resolve()) for link in links)
    except NotADirectoryError:
        return False
    except (OSError, RuntimeError):
        return True
