"""What the user can get wrong, as one family of exceptions.

GlintError                 the user's mistake: its text has the value, the limit and the fix
 +- SettingError           a flag or a setting
 +- DatasetError           an HDF5 data set
 +- RigError               a rig file for synthetic eyes
 +- AnnotationError        an annotation file or its image
 +- MediaError             an image, a folder, a video or a camera to be read
 +- ExportError            an exported model that does not do what the trained one does
 +- MissingPackageError    a package that only this feature needs
 +- LoaderError            a loader process that died
 +- CacheError             the machine's shared copy of a data set
 +- RunDirectoryError      a run directory: in use, not writable, already holding a run
 +- CheckpointError        a checkpoint: damaged, hostile, of another architecture
 +- ResumeError            a resume that would not be the same run
 +- DeviceError            a device that is not there
 +- SpaceError             no room left on a disk or in memory
 +- NonFiniteLossError     the loss became NaN or infinite

The command line prints the one line and exits with status 2. A bug of ours is an `AssertionError` instead.
"""

import re
from typing import Any

from glint_unet.messages import text

_NOT_ONE_LINE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+\s*"
)  # control characters too: names of files may hold them


class GlintError(Exception):
    """A mistake of the user's; its text is one line in the chosen language.

    Args:
        key: the sentence's key in `glint_unet.messages.TEXTS`.
        values: what the sentence's placeholders stand for.
    """

    def __init__(self, key: str, **values: Any) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return _NOT_ONE_LINE.sub(" ", text(self.key, **self.values))

    def __reduce__(self) -> tuple[Any, ...]:
        return _rebuild, (type(self), self.key, self.values)


def _rebuild(kind: type[GlintError], key: str, values: dict[str, Any]) -> GlintError:
    return kind(key, **values)


def one_line(error: BaseException, most: int = 200) -> str:
    """What an error of somebody else's says, in one line of at most `most` characters, as a reason in one of ours."""
    return " ".join(str(error).split())[:most]


class SettingError(GlintError):
    """A flag or a setting has a value that cannot be used."""


class DatasetError(GlintError):
    """An HDF5 data set is missing, damaged, hostile or not of the contract's form."""


class RigError(GlintError):
    """A rig file for synthetic eyes that cannot be used."""


class AnnotationError(GlintError):
    """An annotation file or its image cannot be used."""


class MediaError(GlintError):
    """An image, a folder, a video or a camera that cannot be read or written."""


class ExportError(GlintError):
    """An exported model that does not do what the trained one does."""


class MissingPackageError(GlintError):
    """A package that only this feature needs is not installed."""


class LoaderError(GlintError):
    """A loader process died."""


class CacheError(GlintError):
    """The machine's shared copy of a data set cannot be made, used or removed."""


class RunDirectoryError(GlintError):
    """A run directory is in use, cannot be written, or already holds a run."""


class CheckpointError(GlintError):
    """A checkpoint is damaged, hostile, or does not fit the network."""


class ResumeError(GlintError):
    """The requested resume would not continue the same run."""


class DeviceError(GlintError):
    """The requested device does not exist on this machine."""


class SpaceError(GlintError):
    """A disk, a shared-memory file system or the memory has no room left."""


class NonFiniteLossError(GlintError):
    """The loss became NaN or infinite, so going on would train nothing."""
