"""`glint-unet --completion SHELL`: a script for shell completion of commands, flags and choices."""

import contextlib
import io
from collections.abc import Mapping
from typing import Annotated, Any, Union

import tyro

from glint_unet.errors import SettingError
from glint_unet.settings import Settings

SHELLS = ("bash", "zsh", "fish")


def completion_script(kinds: Mapping[str, type[Settings]], shell: str) -> str:
    """A shell completion script for `glint-unet`.

    Args:
        kinds: the arguments of each command, by command name.
        shell: one of `SHELLS`.

    Raises:
        SettingError: the shell is not supported.
    """
    if shell not in SHELLS:
        raise SettingError("setting_not_a_choice", flag="completion", value=shell, choices=", ".join(SHELLS))
    commands: Any = Union[tuple(Annotated[kind, tyro.conf.subcommand(name)] for name, kind in kinds.items())]  # noqa: UP007 - made at run time
    script = io.StringIO()
    with contextlib.redirect_stdout(script), contextlib.suppress(SystemExit):
        words = ["--tyro-write-completion", shell, "-"]
        tyro.cli(commands, prog="glint-unet", use_underscores=True, args=words)
    return script.getvalue()
