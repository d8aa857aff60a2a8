"""Settings files: `--config FILE` stands for the flags in a TOML file, or in the `training_args.json` of a run.

The file becomes words of the command line, placed before those of the user. So its values are checked as flags are, and
flags override them.
"""

import dataclasses
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from glint_unet.cli.arguments import suggestions, value_on_line
from glint_unet.errors import SettingError, one_line
from glint_unet.settings import Settings

_LARGEST_FILE = 2**20


def with_config_file(argv: Sequence[str], *kinds: type[Settings], not_of_a_run: Sequence[str] = ()) -> list[str]:
    """The command line with the settings of its `--config` file placed before it; unchanged without that flag.

    Args:
        argv: the arguments.
        kinds: dataclasses whose fields are the flags that the file may contain.
        not_of_a_run: settings that are not taken over from a training_args.json, apart from those of one start.

    Raises:
        SettingError: the file cannot be read, or contains anything but such settings.
    """
    name = value_on_line(argv, "config")
    if not name or {"-h", "--help"} & set(argv):
        return list(argv)
    path = Path(name)
    known = {field.name: field for kind in kinds for field in dataclasses.fields(kind) if field.name != "config"}
    values = _read(path)
    if path.suffix == ".json":  # of a run; where that run was written and how it was started is not taken over
        per_start = {name for name, field in known.items() if field.metadata.get("resume") == "per_start"}
        left_out = {*per_start, *not_of_a_run, "output_dir", "config"}
        values = {name: value for name, value in values.items() if name not in left_out and value is not None}
    words: list[str] = []
    for name, value in values.items():
        if name not in known:
            close = ", ".join(suggestions(name, known))
            raise SettingError("config_unknown", path=path, name=name, hint=f" ({close}?)" if close else "")
        words += _words(path, name, value)
    return [*words, *argv]


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
        if len(content) > _LARGEST_FILE:
            raise ValueError(f"> {_LARGEST_FILE} bytes")
        read = json.loads if path.suffix == ".json" else tomllib.loads
        values = read(content.decode("utf-8"))
        if not isinstance(values, dict):
            raise ValueError(f"{type(values).__name__}: {values!r:.40}")
    except OSError as error:
        raise SettingError("config_unreadable", path=path, reason=error.strerror) from error
    except (ValueError, RecursionError) as error:
        raise SettingError("config_unreadable", path=path, reason=one_line(error)) from error
    return values


def _words(path: Path, name: str, value: Any) -> list[str]:
    """The words of one setting; a table has one word for each of its entries: `--set=lr=1e-4..1e-2:log`."""
    if isinstance(value, bool):
        return [f"--{name}" if value else f"--no_{name}"]
    if isinstance(value, dict) and name == "set":
        return [f"--{name}={entry}={_plain(path, f'{name}.{entry}', values)}" for entry, values in value.items()]
    return [f"--{name}={_plain(path, name, value)}"]


def _plain(path: Path, name: str, value: Any) -> str:
    if isinstance(value, list):
        words = [_plain(path, name, one) for one in value if not isinstance(one, list)]
        if words and len(words) == len(value) and not any("," in word for word in words):
            return ",".join(words)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise SettingError("config_value", path=path, name=name, value=one_line(ValueError(value)))
