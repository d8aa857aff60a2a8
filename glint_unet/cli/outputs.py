"""Checks of output files, made by every command before it does any work."""

from pathlib import Path

from glint_unet.errors import DatasetError


def check_output(path: Path, *, overwrite: bool) -> None:
    """Checks that a file may be written.

    Raises:
        DatasetError: the file exists and `overwrite` is off, or its directory does not exist.
    """
    if path.exists() and not overwrite:
        raise DatasetError("output_exists", path=path)
    if not path.parent.is_dir():
        raise DatasetError("output_no_directory", path=path.parent)
