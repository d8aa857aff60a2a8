"""Console output that never stops the work, whatever the state of the console.

A console may have an encoding without Chinese (`PYTHONIOENCODING=latin-1`), be closed (`>&-`) or full (`> /dev/full`),
or lose its reader (`| head -1`). Characters that the encoding lacks are written as escapes; output that cannot be
written is dropped, and `Console.lost` has the reason.
"""

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any, TextIO, cast


class Console:
    """A text stream whose writes do not raise.

    Args:
        stream: the stream to write to; None (Python's value for closed descriptors) drops everything.

    Attributes:
        lost: the error that caused output to be dropped, or None.
    """

    def __init__(self, stream: Any) -> None:
        self._wrapped: Any = stream._wrapped if isinstance(stream, Console) else stream
        self.lost: Exception | None = None

    def write(self, text: str) -> int:
        """Writes the text; returns its length, even if it is dropped."""
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
        """Flushes the stream; output that cannot be written is dropped."""
        try:
            if self._wrapped is not None:
                self._wrapped.flush()
        except (OSError, ValueError) as error:
            self._drop(error)

    def _drop(self, error: Exception) -> None:
        """Redirects all further output to the null device, including the content of Python's buffers."""
        self.lost = error
        try:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._wrapped.fileno())
            os.close(nowhere)
        except (OSError, ValueError):  # closed, or not backed by a descriptor
            self._wrapped = None

    def isatty(self) -> bool:
        """Whether the stream is a terminal."""
        try:
            return self._wrapped is not None and bool(self._wrapped.isatty())
        except ValueError:
            return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wrapped, name)

    def __eq__(self, other: object) -> bool:  # tqdm compares streams to clear its bars before printing a line
        return bool(self._wrapped is getattr(other, "_wrapped", other))

    def __hash__(self) -> int:
        return hash(id(self._wrapped))


@contextlib.contextmanager
def tolerant_console() -> Iterator[Console]:
    """A block in which writing to stdout and stderr never raises; yields stdout."""
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
    """Opens the null device for closed standard descriptors, lest C libraries write into the next file opened."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)


def say(line: str) -> None:
    """Prints a line to stdout immediately, above any progress bar."""
    from tqdm import tqdm  # imported late, so that --help stays fast

    out = Console(sys.stdout)
    tqdm.write(line, file=cast(TextIO, out))
    out.flush()


def duration(seconds: float) -> str:
    """A duration in its two largest units: 45s, 3m20s, 2h05m, 1d04h."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d{hours:02d}h"
    if hours:
        return f"{hours}h{minutes:02d}m"
    return f"{minutes}m{rest:02d}s" if minutes else f"{rest}s"
