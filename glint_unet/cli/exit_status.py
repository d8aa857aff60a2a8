"""The exit status of every command: 0; 2 and one line for a mistake of the user; 128 + signal number."""

import os
import re
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from glint_unet.cli.arguments import flag_of_path, language_of
from glint_unet.console import tolerant_console
from glint_unet.errors import GlintError, one_line
from glint_unet.extras import missing_package
from glint_unet.messages import set_language, text


def guarded(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    """Runs a command; a mistake of the user becomes one line on stderr and exit status 2.

    Output that the console does not accept never stops the work. If output to stdout was lost, the status after the
    work is 141 if the reader has gone, as with `| head`; otherwise 1, with one line on stderr.
    """
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")  # we report a broken video in one line ourselves
    set_language(language_of(argv))
    with tolerant_console() as out:
        status = _status_of(command, argv)
        out.flush()
        if isinstance(out.lost, BrokenPipeError):
            return status or 128 + signal.SIGPIPE
        if out.lost is not None:
            print(text("output_lost", reason=one_line(out.lost)), file=sys.stderr)
            return status or 1
        return status


def _status_of(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> int:
    try:
        return command(argv)
    except GlintError as error:
        print(_with_flag(error, argv), file=sys.stderr)
    except OSError as error:
        if error.filename is None:
            raise
        print(text("system_refused", path=error.filename, reason=error.strerror), file=sys.stderr)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("glint_unet"):
            raise
        print(missing_package(error.name), file=sys.stderr)
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        reason = re.sub(r"^\[enforce.*?\]\D*\d\. ", "", one_line(error))
        print(text("out_of_memory", reason=reason or type(error).__name__), file=sys.stderr)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    return 2


def _with_flag(error: GlintError, argv: Sequence[str]) -> GlintError:
    """The error, with the flag that named a file where the file cannot be written."""
    if error.key == "not_writable" and (flag := flag_of_path(argv, Path(error.values["path"]))):
        return type(error)("not_writable_by_flag", flag=flag, **error.values)
    return error


def _is_out_of_memory(error: Exception) -> bool:
    """Whether the machine or a GPU is out of memory; PyTorch, which may not be imported, is recognised by name."""
    by_torch = type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)
    return isinstance(error, MemoryError) or by_torch
