"""`glint-unet COMMAND ...`: the commands by name."""

import difflib
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from glint_unet.cli.exit_status import guarded
from glint_unet.errors import SettingError

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
