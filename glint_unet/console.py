"""What is printed, and the rule for it: a console that cannot take a text never stops the work.

Consoles have encodings without Chinese (`PYTHONIOENCODING=latin-1`), are closed (`>&-`), full (`> /dev/full`), or left
by their reader (`| head -1`). Characters that an encoding lacks are shown as escapes; output that nobody takes is
dropped, and `Console.lost` says why.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast


class Console:
    """A text stream whose writes do not raise.

    Args:
        stream: what to write to; None, as Python has it for closed descriptors, drops everything.

    Attributes:
        lost: why output was dropped, or None.
    """

    def __init__(self, stream: Any) -> None:
        self._wrapped: Any = stream._wrapped if isinstance(stream, Console) else stream
        self.lost: Exception | None = None

    def write(self, text: str) -> int:
        """Writes the text; returns its length, also where it is dropped."""
        try:
            if self._wrapped is not None:
                self._wrapped.write(text)
        except UnicodeEncodeError:
            encoding = self._wrapped.encoding or "ascii"
            self.write(text.encode(encoding, "backslashreplace").decode(encoding))
        except (OSError, ValueError) as error:  # ValueError: a closed stream
            self._drop(error)
        return len(text)

    def flush(self) -> None:
        """Hands everything on to the system; what it refuses is dropped."""
        try:
            if self._wrapped is not None:
                self._wrapped.flush()
        except (OSError, ValueError) as error:
            self._drop(error)

    def _drop(self, error: Exception) -> None:
        """From here on, everything written goes nowhere, also what Python's buffers still hold."""
        self.lost = error
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._wrapped.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # closed, or no stream of the system's
            self._wrapped = None

    def isatty(self) -> bool:
        """Whether a terminal shows it."""
        try:
            return self._wrapped is not None and bool(self._wrapped.isatty())
        except ValueError:
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def __eq__(self, other: object) -> bool:  # tqdm compares streams, to move its bars out of a line's way
        return bool(self._wrapped is getattr(other, "_wrapped", other))

    def __hash__(self) -> int:
        return hash(id(self._wrapped))


@contextlib.contextmanager
def tolerant_console() -> Iterator[Console]:
    """Within the block, nothing that is written to stdout and stderr raises; yields stdout."""
    _fill_closed_descriptors()
    before = sys.stdout, sys.stderr
    out, err = Console(before[0]), Console(before[1])
    sys.stdout, sys.stderr = cast(TextIO, out), cast(TextIO, err)
    try:
        yield out
    finally:
        out.flush()
        err.flush()
        sys.stdout, sys.stderr = before


def _fill_closed_descriptors() -> None:
    """Else the next file opened, a lock or a checkpoint, would be where C libraries write their messages."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def say(line: str) -> None:
    """Prints a line to stdout, above any progress bar, at once."""
    from tqdm import tqdm  # not on the way to --help

    out = Console(sys.stdout)
    tqdm.write(line, file=cast(TextIO, out))
    out.flush()
