"""What visitors may choose: data sets, images and videos, rig files and models below the given roots.

A choice travels as a word, `0:folder/eyes.h5` (number of the root, and the path below it), and is checked when it is
used: no path that a visitor sends leads outside the roots.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from glint_unet.data.media import DATASET_SUFFIXES, VIDEO_SUFFIXES, is_image
from glint_unet.errors import PageError
from glint_unet.experiments.run_list import run_directories
from glint_unet.page.context import Context, inside
from glint_unet.pretrained import PRETRAINED

_MOST_LEVELS = 3
_MOST_CHOICES = 2000

Choices = dict[str, str]


def data_sets(context: Context) -> Choices:
    """The data sets: word -> what to call it."""
    return _files(context, lambda path: path.suffix.lower() in DATASET_SUFFIXES)


def rig_files(context: Context) -> Choices:
    """The rig files: word -> what to call it."""
    return _files(context, lambda path: path.suffix.lower() == ".toml")


def media(context: Context) -> Choices:
    """What can be annotated: folders of images, videos and data sets: word -> what to call it."""
    folders = {}
    for k, root in enumerate(context.data):
        for folder in _folders(root):
            if any(is_image(path) for path in _entries(folder)):
                folders[_word(k, root, folder)] = f"{_name(root, folder)}/"
    return folders | _files(context, lambda path: path.suffix.lower() in VIDEO_SUFFIXES + DATASET_SUFFIXES)


def models(context: Context) -> Choices:
    """The runs whose best model can be used, and the pretrained weights: word -> what to call it."""
    runs = (path for path in run_directories(context.runs) if (path / "best_model.pth").is_file())
    names = sorted((str(path.relative_to(context.runs)) for path in runs), reverse=True)
    return {PRETRAINED: PRETRAINED} | {f"run:{name}": name for name in names[:_MOST_CHOICES]}


def chosen_file(context: Context, word: str) -> Path:
    """The file or folder that a word of `data_sets`, `rig_files` or `media` stands for.

    Raises:
        PageError: it is not there, or lies outside the roots.
    """
    number, _, name = word.partition(":")
    if not (number.isdecimal() and int(number) < len(context.data)):
        raise PageError("ui_not_there", name=word)
    root = context.data[int(number)]
    if root.is_dir():
        return inside(root, name)
    if name:
        raise PageError("ui_not_there", name=word)
    return inside(root.parent, root.name)


def chosen_model(context: Context, word: str) -> str:
    """What `GlintDetector.load` takes for a word of `models`.

    Raises:
        PageError: it is not there, or lies outside the directory of runs.
    """
    if word == PRETRAINED:
        return PRETRAINED
    return str(context.run_path(word.removeprefix("run:")))


def folder_of_visitors(context: Context) -> Path:
    """The folder where what visitors make is saved: the first of the roots that is one, else that of the runs.

    Raises:
        PageError: visitors may not write.
    """
    if not context.allow_control:
        raise PageError("ui_no_control")
    return next((root for root in context.data if root.is_dir()), context.runs)


def _files(context: Context, is_wanted: Callable[[Path], bool]) -> Choices:
    found: Choices = {}
    for k, root in enumerate(context.data):
        if not root.is_dir():
            if is_wanted(root):
                found[f"{k}:"] = root.name
            continue
        for folder in _folders(root):
            found |= {_word(k, root, path): _name(root, path) for path in _entries(folder) if is_wanted(path)}
    return dict(sorted(found.items(), key=lambda item: item[1])[:_MOST_CHOICES])


def _folders(root: Path, levels: int = _MOST_LEVELS) -> Iterator[Path]:
    """A folder and those below it."""
    if root.is_dir():
        yield root
    if levels and root.is_dir():
        for path in _entries(root):
            if path.is_dir():
                yield from _folders(path, levels - 1)


def _entries(folder: Path) -> list[Path]:
    """What is in a folder, sorted by name, without hidden entries and links; nothing if it cannot be read."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if not entry.name.startswith("."))
    except OSError:
        return []
    return [path for path in (folder / name for name in names) if not path.is_symlink()]


def _word(number: int, root: Path, path: Path) -> str:
    return f"{number}:{path.relative_to(root)}"


def _name(root: Path, path: Path) -> str:
    return str(Path(root.name) / path.relative_to(root))
