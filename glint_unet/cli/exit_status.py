"""How every command ends: status 0; 2 and one line for a mistake; 128 + signal."""

import os
import re
import signal
import sys
from collections.abc import Callable, Sequence

from glint_unet.errors import GlintError, one_line
from glint_unet.messages import text


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
