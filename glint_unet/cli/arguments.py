"""Command-line arguments from a dataclass; a mistake in them is one line, like every other mistake."""

import contextlib
import io
import itertools
import re
from collections.abc import Sequence
from typing import Any, TypeVar

import tyro

from glint_unet.errors import SettingError
from glint_unet.messages import LANGUAGES, set_language

T = TypeVar("T")

_BOX_DRAWING = re.compile(r"[\u2500-\u257f]+|-{5,}")


def parse(kind: type[T], argv: Sequence[str], prog: str, default: T | None = None) -> T:
    """Makes a `kind` of the arguments; `--lang` takes effect at once, so that mistakes are told in that language.

    Args:
        kind: a dataclass whose fields are the flags (underscores; dashes are accepted too).
        argv: the arguments, without the program's name.
        prog: the program's name.
        default: values of flags that are not given, instead of the dataclass's own.

    Raises:
        SettingError: an unknown flag, or a value of the wrong kind.
        SystemExit: 0, after --help.
    """
    set_language(_language_in(argv))
    options: dict[str, Any] = {} if default is None else {"default": default}
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            parsed: T = tyro.cli(kind, args=list(argv), prog=prog, use_underscores=True, **options)
            return parsed
    except SystemExit as ending:
        if ending.code in (0, None):
            raise
        raise SettingError("bad_arguments", reason=_one_line(complaint.getvalue())) from None


def _language_in(argv: Sequence[str]) -> str:
    for flag, value in itertools.pairwise([*argv, ""]):
        chosen = flag.removeprefix("--lang=") if flag.startswith("--lang=") else value
        if flag.startswith("--lang") and chosen in LANGUAGES:
            return chosen
    return LANGUAGES[0]


def _one_line(box: str) -> str:
    """The text inside tyro's box: without its frame, its title and the pointer to --help."""
    lines = [_BOX_DRAWING.sub("", line).strip() for line in box.splitlines()[1:]]
    words = " ".join(line for line in lines if line and not line.startswith("For full helptext"))
    words = words.partition(" Argument helptext:")[0]
    return re.sub(r"\s+([.,])(?=\s|$)", r"\1", words)
