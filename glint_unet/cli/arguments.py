"""Command-line arguments from a dataclass of settings; a mistake in them is one line, like every other mistake."""

import contextlib
import dataclasses
import difflib
import io
import re
import sys
from collections.abc import Iterable, Sequence
from typing import Annotated, Any, TypeVar, get_origin, get_type_hints

import tyro

from glint_unet.errors import SettingError
from glint_unet.messages import LANGUAGES
from glint_unet.settings import Settings

T = TypeVar("T", bound=Settings)

_BOX_DRAWING = re.compile(r"[\u2500-\u257f]+|-{5,}")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_NOT_FOR_READERS = re.compile(rf"\{{None\}}\|(?=\w)|,(?:{_COLOUR.pattern}| )*--no_no_\w+")
_MOST_SUGGESTED = 3


def parse(kind: type[T], argv: Sequence[str], prog: str, default: T | None = None) -> T:
    """Makes a `kind` of the arguments.

    Args:
        kind: a dataclass whose fields are the flags (underscores; dashes are accepted too).
        argv: the arguments, without the program's name.
        prog: the program's name.
        default: values of flags that are not given, instead of the dataclass's own.

    Raises:
        SettingError: an unknown flag, or a value of the wrong kind or out of range.
        SystemExit: 0, after --help.
    """
    _refuse_flags_of_tyro(kind, argv, prog)
    options: dict[str, Any] = {} if default is None else {"default": default}
    complaint, shown = io.StringIO(), _Shown()
    try:
        with contextlib.redirect_stderr(complaint), contextlib.redirect_stdout(shown):
            parsed: T = tyro.cli(kind, args=list(argv), prog=prog, use_underscores=True, **options)
            return parsed
    except SystemExit as ending:
        if ending.code in (0, None):
            print(_readable(shown.getvalue()), end="")
            raise
        for word in _words_of_flags(argv):
            _check_known(kind, word, prog)
        raise _bad_arguments(complaint.getvalue()) from None


class _Shown(io.StringIO):
    """Keeps what is printed, and looks to tyro like the console it will be shown on: it chooses colours and boxes."""

    def __init__(self) -> None:
        super().__init__()
        self._is_terminal = sys.stdout.isatty()
        self._encoding = getattr(sys.stdout, "encoding", None) or "ascii"

    def isatty(self) -> bool:
        return self._is_terminal

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return self._encoding


def _readable(helptext: str) -> str:
    """Tyro's help without `{None}|` and `--no_no_...`; blanks keep the frame whole."""
    lines = []
    for line in helptext.splitlines(keepends=True):
        num_removed = sum(len(_COLOUR.sub("", found)) for found in _NOT_FOR_READERS.findall(line))
        shorter = _NOT_FOR_READERS.sub("", line)
        head, blank, tail = shorter.partition("  ") if num_removed else (shorter, "", "")
        lines.append(head + " " * num_removed + blank + tail if blank else head)
    return "".join(lines)


def _bad_arguments(box: str) -> SettingError:
    """Tyro's complaint: the text inside its box, without frame, title, suggestions and the pointer to --help."""
    lines = [_BOX_DRAWING.sub("", line).strip() for line in box.splitlines()[1:]]
    words = " ".join(line for line in lines if line and not line.endswith("--help") and "full helptext" not in line)
    words = re.split(r" Argument helptext:| Perhaps you meant| Similar arguments", words)[0]
    reason = re.sub(r"\s+([.,])(?=\s|$)", r"\1", words)
    if reason.startswith("Unrecognized options: "):
        return SettingError("argument_extra", words=reason.removeprefix("Unrecognized options: "))
    return SettingError("bad_arguments", reason=reason)


def language_of(argv: Sequence[str]) -> str:
    """The language that `--lang` requests anywhere on the line; Chinese without it."""
    language = value_on_line(argv, "lang")
    return language if language in LANGUAGES else LANGUAGES[0]


def value_on_line(argv: Sequence[str], flag: str) -> str | None:
    """The last value that the line gives to a flag, read before all others are checked; None: no value.

    Words after a bare -- are not for this command.
    """
    found = None
    words = _before_bare_dashes(argv)
    for k, word in enumerate(words):
        name, is_joined, value = word.partition("=")
        if name == f"--{flag}" and (is_joined or k + 1 < len(words)):
            found = value if is_joined else words[k + 1]
    return found


def flags_on_line(kind: type[Settings], argv: Sequence[str]) -> frozenset[str]:
    """The settings that the line gives a value, by name; `--no_preload` gives `preload` one."""
    names = {declared.name for declared in dataclasses.fields(kind)}
    given = {_name_of(word) for word in _words_of_flags(argv)}
    return frozenset(name for name in names if name in given or f"no_{name}" in given)


def _before_bare_dashes(argv: Sequence[str]) -> list[str]:
    words = list(argv)
    return words[: words.index("--")] if "--" in words else words


def _words_of_flags(argv: Sequence[str]) -> list[str]:
    return [word for word in _before_bare_dashes(argv) if re.match(r"--?[A-Za-z]", word)]


def _name_of(word: str) -> str:
    return word.lstrip("-").partition("=")[0].replace("-", "_")


def _refuse_flags_of_tyro(kind: type[Settings], argv: Sequence[str], prog: str) -> None:
    """Tyro has flags of its own for shell completion, which register it for one command only."""
    for word in _words_of_flags(argv):
        if _name_of(word).startswith("tyro_"):
            _check_known(kind, word, prog)


def _check_known(kind: type[Settings], word: str, prog: str) -> None:
    flag, name = word.partition("=")[0], _name_of(word)
    known = known_flags(kind)
    if name not in known or (word[1] != "-" and word != "-h"):
        close = ", ".join(f"--{one}" for one in suggestions(name, known))
        raise SettingError("flag_unknown", flag=flag, hint=f" ({close}?)" if close else "", prog=prog)


def known_flags(kind: type[Settings]) -> list[str]:
    """The names of a command's flags, --help and the --no_... of switches included, without dashes."""
    hints = get_type_hints(kind, include_extras=True)
    flags = {name: hint for name, hint in hints.items() if get_origin(hint) is not Annotated}  # else it has no dashes
    negative = [f"no_{name}" for name, hint in flags.items() if hint is bool and not name.startswith("no_")]
    return [*flags, *negative, *(f"no_{name}" for name in flags if name.startswith("no_")), "help"]


def suggestions(name: str, known: Iterable[str]) -> list[str]:
    """The known names that were probably meant by an unknown one, best first, three at most.

    Known names that begin with it (h: h5, help), that it begins with (batch_size: batch), whose letters it abbreviates
    or is abbreviated by (learning_rate: lr), that have it among their words (split: val_split), that are spelt alike.
    """
    names = [one for one in known if not one.startswith("no_") or name.startswith("no_")]
    initials = "".join(word[:1] for word in re.split("[_-]", name))
    likely = [
        *(one for one in names if one.startswith(name)),
        *(one for one in names if name.startswith((f"{one}_", f"{one}-"))),
        *(one for one in names if len(initials) > 1 and one == initials),
        *(one for one in names if name in one.split("_")),
        *difflib.get_close_matches(name, names, n=_MOST_SUGGESTED, cutoff=0.7),
    ]
    return list(dict.fromkeys(likely))[:_MOST_SUGGESTED]
