"""`glint-unet shm` and `python shm_manager.py`: shows and removes shared copies of data sets on this machine."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from glint_unet.cli.arguments import parse
from glint_unet.console import duration
from glint_unet.errors import SettingError
from glint_unet.messages import text
from glint_unet.settings import Settings, language_setting


@dataclass(frozen=True)
class ShmArguments(Settings):
    """Show and remove shared copies of data sets on this machine."""

    list: bool = False
    """Show the copies: size, age, data set, and the processes that use them."""
    cleanup: bool = False
    """Remove the copies of the data set --h5, unless they are in use."""
    cleanup_all: bool = False
    """Remove every copy that is not in use."""
    h5: str | None = None
    """Data set file."""
    lang: Literal["zh", "en"] = language_setting()
    """Language of the messages."""


ARGUMENTS = ShmArguments


def run(argv: Sequence[str], prog: str = "glint-unet shm") -> int:
    """Shows or removes copies; returns 1 if a copy was kept because it is in use."""
    arguments = parse(ShmArguments, argv, prog)
    if arguments.cleanup_all:
        return remove(None)
    if arguments.cleanup:
        if arguments.h5 is None:
            raise SettingError("h5_required")
        return remove(arguments.h5)
    if not arguments.list:
        raise SettingError("shm_what")
    _show(arguments.h5)
    return 0


def _show(h5: str | None) -> None:
    from glint_unet.data.shared_cache import SharedMemoryDatasetCache

    copies = SharedMemoryDatasetCache.list_copies()
    if h5 is not None:
        copies = [copy for copy in copies if copy.source == str(Path(h5).absolute())]
    for copy in copies:
        row = text(
            "shm_row",
            name=copy.path.name,
            mb=copy.size_bytes / 2**20,
            age=duration(copy.age_s),
            users=", ".join(map(str, copy.pids)) or ("?" if copy.in_use else "-"),
            source=copy.source,
            dataset=copy.dataset,
            directory=copy.path.parent,
        )
        print(row)
    total_mb = sum(copy.size_bytes for copy in copies) / 2**20
    print(text("shm_total", num=len(copies), mb=total_mb) if copies else text("shm_none"))


def remove(h5: str | None) -> int:
    """Removes the copies of a data set, or all; returns 1 if a copy was kept because it is in use."""
    from glint_unet.data.shared_cache import SharedMemoryDatasetCache

    users = {copy.path: copy.pids for copy in SharedMemoryDatasetCache.list_copies()}
    cache = SharedMemoryDatasetCache
    removed, kept = cache.cleanup_all() if h5 is None else cache.cleanup(h5)
    for path in removed:
        print(text("shm_removed", name=path.name))
    for path in kept:
        print(text("shm_in_use", name=path.name, users=", ".join(map(str, users.get(path, ()))) or "?"))
    if not removed and not kept:
        print(text("shm_none"))
    return 1 if kept else 0
