"""What every command checks of the files that it is to write, before it does any work."""

from pathlib import Path

from glint_unet.errors import DatasetError


def check_output(path: Path, *, overwrite: bool) -> None:
    """Refuses to replace a file unrequested, or to write where there is no directory.

    Raises:
        DatasetError: naming the path.
    """
    if path.exists() and not overwrite:
        raise DatasetError("output_exists", path=path)
    if not path.parent.is_dir():
        raise DatasetError("output_no_directory", path=path.parent)
