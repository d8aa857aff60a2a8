"""A rig file that is being changed: its tables, checked at every change, and their TOML."""

import copy
import json
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.painting import backgrounds_of, make_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.errors import DatasetError
from glint_unet.files import write_bytes

Tables = dict[str, dict[str, Any]]

_START: Tables = {"leds": {"number": 8, "start_deg": -90}, "image": {"size": 192, "stride": 2}}


class RigDraft:
    """The tables of a rig file.

    Attributes:
        path: the file they come from, or will be saved as; frames for backgrounds are looked up beside it.
        rig: what they describe.
    """

    def __init__(self, path: Path, tables: Tables | None = None) -> None:
        """A draft of these tables, by default a ring of 8 LEDs; raises RigError if they cannot be used."""
        self.path = path
        self._tables = copy.deepcopy(_START if tables is None else tables)
        self.rig = Rig.of_tables(path, self._tables)

    @classmethod
    def read(cls, path: Path) -> "RigDraft":
        """The draft of an existing file; raises RigError if it cannot be used."""
        Rig.read(path)
        return cls(path, tomllib.loads(path.read_text(encoding="utf-8")))

    @property
    def tables(self) -> Tables:
        """The tables, to be read only."""
        return self._tables

    @property
    def has_positions(self) -> bool:
        """Whether the LEDs are given one by one, not as a ring or as any layout."""
        return "positions" in self._tables.get("leds", {})

    def set(self, **entries: Any) -> None:
        """Changes entries, named as `leds_number`, together; None removes one, so that its default applies.

        Raises:
            RigError: a value cannot be used; the draft is unchanged.
        """
        changed = copy.deepcopy(self._tables)
        for name, value in entries.items():
            table, _, entry = name.partition("_")
            if value is None:
                changed.get(table, {}).pop(entry, None)
            else:
                changed.setdefault(table, {})[entry] = value
        self.rig = Rig.of_tables(self.path, changed)
        self._tables = changed

    def toml(self) -> str:
        """The content of the file."""
        tables = {name: values for name, values in self._tables.items() if values}
        return "\n".join(
            line
            for name, values in tables.items()
            for line in (f"[{name}]", *(f"{key} = {_toml_value(value)}" for key, value in values.items()), "")
        )

    def save(self, path: Path, *, overwrite: bool = False) -> None:
        """Writes the file.

        Raises:
            DatasetError: it exists and `overwrite` is off, or its folder does not exist.
            SpaceError, RunDirectoryError: it cannot be written.
        """
        if path.exists() and not overwrite:
            raise DatasetError("output_exists", path=path)
        if not path.parent.is_dir():
            raise DatasetError("output_no_directory", path=path.parent)
        write_bytes(path, self.toml().encode(), _check)


def _check(path: Path) -> None:
    Rig.read(path)


def _toml_value(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_toml_value, value))}]"
    return json.dumps(value, ensure_ascii=False)  # its strings, numbers and booleans are TOML's too


def draw_eyes(path: Path, tables: Tables, seed: int, num: int) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """The first eyes of a rig, drawn in the page's worker process.

    Args:
        path, tables: of the draft.
        seed: of the scenes.
        num: B.

    Returns:
        images (B, H, W) uint8 and keypoints (B, C, 2) float32, (x, y) in image pixels, NaN where absent.

    Raises:
        RigError: the tables cannot be used.
        GlintError: the frames for backgrounds cannot be used.
    """
    rig = Rig.of_tables(path, tables)
    return make_eyes(rig, seed, range(num), backgrounds_of(rig))
