"""Commands that run this copy of the package in another process, whether it is installed or not."""

import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent
_MAIN = "from glint_unet.cli.main import main; sys.exit(main())"


def python_command(program: str) -> list[str]:
    """The argument list of `python -c PROGRAM`; the program can import this package from any working directory."""
    return [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(_ROOT)!r}); {program}"]


def train_command(flags: Sequence[str], *, stops_with_parent: bool = False) -> list[str]:
    """The argument list of `glint-unet train FLAGS`, for any working directory.

    Args:
        flags: the flags.
        stops_with_parent: when this process dies, the training saves its state and ends too.
    """
    program = _MAIN
    if stops_with_parent:
        first = f"from glint_unet.compute.parent_death import stop_with_parent; stop_with_parent({os.getpid()})"
        program = f"{first}; {program}"
    return [*python_command(program), "train", *flags]


def command_words(words: Sequence[str]) -> list[str]:
    """The argument list of `glint-unet WORDS`, for any working directory."""
    return [*python_command(_MAIN), *words]


def resume_command(run: Path) -> str:
    """The shell command that resumes a run, quoted: the script of a checkout, or the installed command."""
    return own_command(["train", "--resume", str(run)])


def own_command(words: Sequence[str]) -> str:
    """The shell command `glint-unet WORDS`, quoted; for training in a checkout, its script."""
    script = _ROOT / "train_glint_unet.py"
    if words[0] == "train" and script.exists():
        return shlex.join(["python", script.name, *words[1:]])
    return shlex.join(["glint-unet", *words])
