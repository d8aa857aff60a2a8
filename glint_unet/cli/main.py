"""`glint-unet COMMAND ...`: dispatches to the commands, and handles the options before the command."""

import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType

from glint_unet.cli.arguments import suggestions, value_on_line
from glint_unet.cli.exit_status import guarded
from glint_unet.errors import SettingError
from glint_unet.messages import LANGUAGES
from glint_unet.settings import Settings

COMMANDS = {
    "train": "train a glint detector",
    "sweep": "train with many settings, some runs at a time, and report the best",
    "pack": "LabelMe annotations -> data set",
    "check": "validate and summarise a data set",
    "synth": "generate a data set of synthetic eyes",
    "adapt": "improve a model with images that have no annotations",
    "evaluate": "measure the accuracy of a model on annotated images",
    "report": "write the HTML report of a run again, or compare runs in one page",
    "predict": "find glints in images, folders, videos and data sets, and write a table",
    "rig": "find the layout of a rig's LEDs in images without annotations",
    "live": "find glints in a camera stream or a video in real time",
    "export": "export a model for other programs: ONNX, safetensors, torch.export",
    "ui": "runs, data sets and detectors in the browser",
    "doctor": "examine packages, GPU, shared memory, disk and threads: what is wrong, what to do",
    "shm": "show and remove shared copies of data sets",
    "runs": "list the runs in a directory: state, best epoch, how to resume",
    "compare": "compare runs: settings, curves, metrics",
    "rerun": "train again with the settings of a run",
    "track": "send a run to TensorBoard, MLflow or W&B",
    "verify-resume": "train, kill, resume, and compare with an uninterrupted run",
}

_USAGE = """usage: glint-unet [--lang zh|en] COMMAND [OPTIONS]

{commands}

glint-unet COMMAND --help lists the options of a command.

  --lang zh|en   language of the messages, before or after the command (default: GLINT_LANG, or else the locale)
  --version      print the version
  --completion bash|zsh|fish
                 print a script for shell completion: eval "$(glint-unet --completion bash)"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command; returns the exit status."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    return guarded(_dispatch, arguments)


def arguments_of(name: str) -> type[Settings]:
    """The dataclass whose fields are the flags of a command."""
    kind: type[Settings] = _module_of(name).ARGUMENTS
    return kind


def _dispatch(argv: Sequence[str]) -> int:
    language, words = _leading_language(argv)
    name = words[0] if words else "--help"
    if name in ("-h", "--help"):
        print(_USAGE.format(commands="\n".join(f"  {name:<15}{what}" for name, what in COMMANDS.items())), end="")
    elif name == "--version":
        print(import_module("glint_unet").__version__)
    elif name.partition("=")[0] == "--completion":
        from glint_unet.cli.completion import completion_script

        shell = value_on_line(words, "completion") or ""
        print(completion_script({name: arguments_of(name) for name in COMMANDS}, shell), end="")
    elif name in COMMANDS:
        return int(_module_of(name).run([*language, *words[1:]]))
    else:
        close = suggestions(name, [*COMMANDS, "--help", "--version", "--completion"])
        raise SettingError(
            "command_unknown", name=name, hint=f" ({', '.join(close)}?)" if close else "", names=", ".join(COMMANDS)
        )
    return 0


def _leading_language(argv: Sequence[str]) -> tuple[list[str], list[str]]:
    """Splits off `--lang` before the command; returns it and the remaining words."""
    language: list[str] = []
    words = list(argv)
    while words and words[0].partition("=")[0] == "--lang":
        num = 1 if "=" in words[0] else 2
        language, words = [*language, *words[:num]], words[num:]
    if language and (chosen := value_on_line(language, "lang")) not in LANGUAGES:
        raise SettingError("setting_not_a_choice", flag="lang", value=chosen or "", choices=", ".join(LANGUAGES))
    return language, words


def _module_of(name: str) -> ModuleType:
    return import_module(f"glint_unet.cli.{name.replace('-', '_')}")
