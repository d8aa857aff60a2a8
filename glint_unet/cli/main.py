"""`glint-unet COMMAND ...`, and how every command ends: status 0; 2 and one line for a mistake; 128 + signal."""

import difflib
import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from glint_unet.errors import GlintError, SettingError, one_line
from glint_unet.messages import text

COMMANDS = {
    "train": "train a glint detector",
    "pack": "LabelMe annotations -> data set",
    "check": "validate and summarise a data set",
    "synth": "make a data set of synthetic eyes",
    "evaluate": "how good a model is on annotated images",
    "predict": "glints of images, folders, videos and data sets as a table",
    "live": "glints of a camera or a video as it runs",
    "export": "a model for other programs: ONNX, safetensors, torch.export",
    "shm": "show and remove shared copies of data sets",
    "verify-resume": "train, kill, resume, and compare with a run that nobody interrupted",
}

_USAGE = "usage: glint-unet COMMAND [OPTIONS]\n\n{commands}\n\nglint-unet COMMAND --help lists a command's options."


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return guarded(_dispatch, arguments)


def _dispatch(argv: Sequence[str]) -> int:
    name = argv[0] if argv else "--help"
    if name in ("-h", "--help"):
        print(_USAGE.format(commands="\n".join(f"  {name:<15}{what}" for name, what in COMMANDS.items())))
        return 0
    if name == "--version":
        print(import_module("glint_unet").__version__)
        return 0
    if name not in COMMANDS:
        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f" ({close[0]}?)" if close else ""
        raise SettingError("command_unknown", name=name, hint=hint, names=", ".join(COMMANDS))
    command: Callable[[Sequence[str]], int] = import_module(f"glint_unet.cli.{name.replace('-', '_')}").run
    return command(argv[1:])


def guarded(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """Runs a command and turns the user's mistakes into one line on stderr and exit status 2."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # a broken video is told in one line
    try:
        return command(argv)
    except GlintError as error:
        print(error, file=sys.stderr)
        return 2
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("glint_unet"):
            raise
        print(text("missing_package", name=error.name), file=sys.stderr)
        return 2
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        reason = re.sub(r"^\[enforce.*?\]\D*\d\. ", "", one_line(error))
        print(text("out_of_memory", reason=reason or type(error).__name__), file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except BrokenPipeError:  # the reader of our output has left, as `| head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 128 + signal.SIGPIPE


def _is_out_of_memory(error: Exception) -> bool:
    """Of the machine or of a GPU; torch is known by name, since not every command has it loaded."""
    by_torch = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or by_torch
