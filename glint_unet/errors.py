"""The exceptions for mistakes of the user.

GlintError                 base class: the text states the value, the limit and the fix
 +- SettingError           a flag or a setting
 +- DatasetError           an HDF5 data set
 +- RigError               a rig file for synthetic eyes
 +- AnnotationError        an annotation file or its image
 +- MediaError             an input: image, folder, video or camera
 +- AdaptError             images that a model cannot be adapted to
 +- LayoutError            images in which no layout of LEDs is found
 +- ExportError            an exported model that differs from the trained one
 +- MissingPackageError    an optional package that is not installed
 +- LoaderError            a loader process that died
 +- CacheError             a shared copy of a data set
 +- PageError              the page: an address that cannot be used, a file that is not shown
 +- RunDirectoryError      a run directory: in use, not writable, already contains a run
 +- CheckpointError        a checkpoint: damaged, unsafe, of a different architecture
 +- ResumeError            a resume that would not continue the same run
 +- DeviceError            a device that does not exist
 +- SpaceError             a full disk or insufficient memory
 +- NonFiniteLossError     a loss that became NaN or infinite

The command line prints this one line and exits with status 2. Bugs of the package raise `AssertionError` instead.
"""

import os
import re
from collections.abc import Sequence
from typing import Any

from glint_unet.messages import text

_MOST_NAMED = 5
_NOT_ONE_LINE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+\s*"
)  # control characters too: names of files may hold them


class GlintError(Exception):
    """A mistake of the user; its text is one line in the current language.

    Args:
        key: key of the message in `glint_unet.messages.TEXTS`.
        values: values of the placeholders in the message.
    """

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        values = {
            name: shortened(str(value)) if isinstance(value, (str, os.PathLike)) and name != "command" else value
            for name, value in self.values.items()
        }
        return _NOT_ONE_LINE.sub(" ", text(self.key, **values))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.key, self.values)


def _rebuild(kind: type[GlintError], key: str, values: dict[str, Any]) -> GlintError:
    return kind(key, **values)


def shortened(value: str, most: int = 400) -> str:
    """The text; where it has more than `most` characters, its beginning and its end."""
    if len(value) <= most:
        return value
    num_last = most // 3
    return f"{value[: most - num_last - 5]} ... {value[-num_last:]}"


def some(names: Sequence[str]) -> str:
    """The first few of some names, as a part of a sentence."""
    return ", ".join([*(shortened(name, 40) for name in names[:_MOST_NAMED]), *["..."] * (len(names) > _MOST_NAMED)])


def one_line(error: BaseException, most: int = 200) -> str:
    """The text of an external error as a single line of at most `most` characters, for use in our messages."""
    return " ".join(str(error).split())[:most]


class SettingError(GlintError):
    """A flag or a setting has a value that cannot be used."""


class DatasetError(GlintError):
    """An HDF5 data set is missing, damaged, unsafe or violates the format."""


class RigError(GlintError):
    """A rig file for synthetic eyes cannot be used."""


class AnnotationError(GlintError):
    """An annotation file or its image cannot be used."""


class MediaError(GlintError):
    """An image, a folder, a video or a camera cannot be read or written."""


class AdaptError(GlintError):
    """A model finds too few certain glints in the images to adapt to."""


class LayoutError(GlintError):
    """Images do not show a layout of LEDs."""


class ExportError(GlintError):
    """An exported model gives different results from the trained one."""


class MissingPackageError(GlintError):
    """A package that the requested feature needs is not installed."""


class LoaderError(GlintError):
    """A loader process died."""


class CacheError(GlintError):
    """A shared copy of a data set cannot be created, used or removed."""


class PageError(GlintError):
    """An address that the page cannot use, or something that it does not show."""


class RunDirectoryError(GlintError):
    """A run directory is in use, cannot be written, or already contains a run."""


class CheckpointError(GlintError):
    """A checkpoint is damaged, unsafe, or does not fit the network."""


class ResumeError(GlintError):
    """The requested resume would not continue the same run."""


class DeviceError(GlintError):
    """The requested device does not exist on this machine."""


class SpaceError(GlintError):
    """A disk or a shared-memory file system is full, or there is not enough memory."""


class NonFiniteLossError(GlintError):
    """The loss became NaN or infinite."""
