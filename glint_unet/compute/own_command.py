"""This very package's command, for processes of their own, installed or not."""

import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


def train_command(flags: Sequence[str]) -> list[str]:
    """The words of `glint-unet train FLAGS` in this interpreter, whatever the working directory."""
    program = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from glint_unet.cli.main import main; sys.exit(main())"
    return [sys.executable, "-c", program, "train", *flags]
