"""Parses command-line arguments into a dataclass of settings; errors are reported in one line, like all others."""

import contextlib
import dataclasses
import difflib
import io
import re
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar, get_origin, get_type_hints

import tyro

from glint_unet.errors import SettingError
from glint_unet.messages import LANGUAGES, environment_language
from glint_unet.settings import Settings

T = TypeVar("T", bound=Settings)

_BOX_DRAWING = re.compile(r"[\u2500-\u257f]+|-{5,}")
_COLOUR = re.compile(r"\x1b\[[\d;]*m")
_NOT_FOR_READERS = re.compile(rf"\{{None\}}\|(?=\w)|,(?:{_COLOUR.pattern}| )*--no_no_\w+")
_MOST_SUGGESTED = 3
_FLAGS_OF_OUTPUTS = ("out", "json", "picture", "overlay", "labelme", "quality", "out_h5", "work_dir", "output_dir")
_NO_VALUE = re.compile(r"Missing value for argument '--(?P<flag>\w+)'.*")
_NOT_WHOLE = re.compile(r"Error parsing --(?P<flag>\w+): invalid literal for int.*?: '(?P<value>.*)'")
_NOT_A_NUMBER = re.compile(r"Error parsing --(?P<flag>\w+): could not convert .*?: '(?P<value>.*)'")
_NOT_A_CHOICE = re.compile(
    r"invalid choice '(?P<value>.*)' for argument '--(?P<flag>\w+)'. Expected one of \((?P<choices>.*)\)\."
)


def parse(kind: type[T], argv: Sequence[str], prog: str, default: T | None = None) -> T:
    """Parses arguments into an instance of `kind`.

    Args:
        kind: a dataclass whose fields are the flags (underscores; dashes are accepted too).
        argv: the arguments, without the program name.
        prog: the program name.
        default: values of flags that are not given, instead of the defaults of the dataclass.

    Raises:
        SettingError: an unknown flag, or a value of the wrong type or out of range.
        SystemExit: with status 0, after --help.
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
        raise _bad_arguments(kind, argv, prog, complaint.getvalue()) from None


class _Shown(io.StringIO):
    """Buffers output, and looks to tyro like the real console, so that it chooses colours and box characters for it."""

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
    """Removes `{None}|` and `--no_no_...` from tyro's help, padding with blanks so that the frame stays aligned."""
    lines = []
    for line in helptext.splitlines(keepends=True):
        num_removed = sum(len(_COLOUR.sub("", found)) for found in _NOT_FOR_READERS.findall(line))
        shorter = _NOT_FOR_READERS.sub("", line)
        head, blank, tail = shorter.partition("  ") if num_removed else (shorter, "", "")
        lines.append(head + " " * num_removed + blank + tail if blank else head)
    return "".join(lines)


def _bad_arguments(kind: type[Settings], argv: Sequence[str], prog: str, box: str) -> SettingError:
    """Extracts the error from tyro's box, without frame, title, suggestions and the reference to --help.

    The common ones are worded in the user's language; the others stay as tyro words them.
    """
    lines = [_BOX_DRAWING.sub("", line).strip() for line in box.splitlines()[1:]]
    words = " ".join(line for line in lines if line and not line.endswith("--help") and "full helptext" not in line)
    words = re.split(r" Argument helptext:| Perhaps you meant| Similar arguments", words)[0]
    reason = re.sub(r"\s+([.,])(?=\s|$)", r"\1", words)
    if reason.startswith("Unrecognized options: "):
        return SettingError("argument_extra", words=reason.removeprefix("Unrecognized options: "))
    if reason.startswith("Missing from "):
        return SettingError("arguments_missing", names=", ".join(_missing(kind, argv)), prog=prog)
    if found := _NO_VALUE.fullmatch(reason):
        return SettingError("setting_without_value", **found.groupdict())
    if found := _NOT_WHOLE.fullmatch(reason):
        return SettingError("setting_not_whole", **found.groupdict())
    if found := _NOT_A_NUMBER.fullmatch(reason):
        return SettingError("setting_not_a_number", **found.groupdict())
    if found := _NOT_A_CHOICE.fullmatch(reason):
        return SettingError("setting_not_a_choice", **found.groupdict())
    return SettingError("bad_arguments", reason=reason)


def _missing(kind: type[Settings], argv: Sequence[str]) -> list[str]:
    """The required arguments that the line does not give; one without a flag in capitals."""
    given, flags = flags_on_line(kind, argv), known_flags(kind)
    required = [
        declared.name
        for declared in dataclasses.fields(kind)
        if declared.default is declared.default_factory is dataclasses.MISSING and declared.name not in given
    ]
    return [f"--{name}" if name in flags else name.upper() for name in required]


def flag_of_path(argv: Sequence[str], path: Path) -> str | None:
    """The flag of the line that says where to write `path`, such as --out; None where none does."""
    words = _before_bare_dashes(argv)
    for name in _FLAGS_OF_OUTPUTS:
        value = value_on_line(words, name)
        if value and Path(value) in (path, *path.parents):
            return f"--{name}"
    return None


def language_of(argv: Sequence[str]) -> str:
    """The language given by `--lang` anywhere on the command line; by default that of the environment."""
    language = value_on_line(argv, "lang")
    return language if language in LANGUAGES else environment_language()


def value_on_line(argv: Sequence[str], flag: str) -> str | None:
    """The last value of a flag on the command line, read before the line is validated; None if there is none.

    Words after a bare -- do not belong to this command.
    """
    found = None
    words = _before_bare_dashes(argv)
    for k, word in enumerate(words):
        name, is_joined, value = word.partition("=")
        if word.startswith("--") and _name_of(name) == flag and (is_joined or k + 1 < len(words)):
            found = value if is_joined else words[k + 1]
    return found


def flags_on_line(kind: type[Settings], argv: Sequence[str]) -> frozenset[str]:
    """The names of settings given on the command line; `--no_preload` counts as `preload`."""
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
    """Refuses tyro's own flags for shell completion, which register it for a single command only."""
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
    """The names of a command's flags without dashes, including help and the no_... of switches."""
    hints = get_type_hints(kind, include_extras=True)
    flags = {name: hint for name, hint in hints.items() if get_origin(hint) is not Annotated}  # others are positional
    negative = [f"no_{name}" for name, hint in flags.items() if hint is bool and not name.startswith("no_")]
    return [*flags, *negative, *(f"no_{name}" for name in flags if name.startswith("no_")), "help"]


def suggestions(name: str, known: Iterable[str]) -> list[str]:
    """The known names that an unknown one probably stands for, best first, at most three.

    In this order: names that start with it (h: h5, help), names it starts with (batch_size: batch), its initials
    (learning_rate: lr), names that contain it as a word (split: val_split), and names spelt similarly.
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
