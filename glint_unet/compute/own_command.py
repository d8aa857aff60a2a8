"""This very package's command, for processes of their own, installed or not."""

import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

_ROOT = Path(__file__).resolve().parent.parent.parent


def train_command(flags: Sequence[str]) -> list[str]:
    """The words of `glint-unet train FLAGS` in this interpreter, whatever the working directory."""
    program = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from glint_unet.cli.main import main; sys.exit(main())"
    return [sys.executable, "-c", program, "train", *flags]


def resume_command(run: Path) -> str:
    """The line that goes on with a run, quoted for the shell: of the checkout's script, or of what is installed."""
    script = _ROOT / "train_glint_unet.py"
    if not script.exists():
        return shlex.join(["glint-unet", "train", "--resume", str(run)])
    return shlex.join(["python", script.name, "--resume", str(run)])
