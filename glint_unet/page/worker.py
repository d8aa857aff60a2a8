"""A process of its own for what the page reads and computes.

A damaged or hostile file can crash the HDF5 or video library, or put it into an endless loop, and a model or a data set
can keep Python busy for seconds: here, that ends or delays this process alone, never the page.
"""

import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, ParamSpec, TypeVar

from glint_unet.compute.parent_death import stop_with_parent
from glint_unet.errors import GlintError, LoaderError, one_line

P = ParamSpec("P")
R = TypeVar("R")

_SILENCE_S = 120.0
_MEMORY_BYTES = 16 * 2**30


class Worker:
    """Runs functions in a child process, one after the other; the process starts with the first one. Thread-safe.

    Args:
        silence_s: a function that takes longer is ended, with its process.
    """

    def __init__(self, silence_s: float = _SILENCE_S) -> None:
        self._silence_s = silence_s
        self._lock = threading.Lock()
        self._process: Any = None
        self._connection: Connection | None = None

    def call(self, function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """What `function` returns in the child process; it must be a function of a module.

        Raises:
            GlintError: as the function does.
            LoaderError: it raised something else, the process died, or it took too long.
        """
        with self._lock:
            connection = self._started()
            try:
                connection.send((function, args, kwargs))
                if not connection.poll(self._silence_s):
                    self._stop()
                    raise LoaderError("page_too_slow", seconds=self._silence_s)
                result, error = connection.recv()
            except (EOFError, OSError) as death:
                reason = self._how_it_ended()
                raise LoaderError("page_task_died", reason=reason) from death
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def close(self) -> None:
        """Ends the process; a later call starts another one."""
        with self._lock:
            self._stop()

    @property
    def pid(self) -> int | None:
        """The process id of the child; None where there is none."""
        return self._process.pid if self._process else None

    def _started(self) -> Connection:
        if self._process is not None and not self._process.is_alive():
            self._stop()
        if self._connection is None:
            context = multiprocessing.get_context(method="spawn")
            self._connection, theirs = context.Pipe()
            self._process = context.Process(target=_serve, args=(theirs, os.getpid()), daemon=True)
            self._process.start()
            theirs.close()
        return self._connection

    def _how_it_ended(self) -> str:
        self._process.join(1.0)
        status = self._process.exitcode
        self._stop()
        return signal.Signals(-status).name if status is not None and status < 0 else f"exit status {status}"

    def _stop(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._process.kill()
            self._process.join()
        self._process = self._connection = None


def _serve(connection: Connection, parent: int) -> None:
    """In the child: runs what comes until the page ends."""
    stop_with_parent(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the page, which ends this process
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    while True:
        try:
            function, args, kwargs = connection.recv()
        except EOFError:
            return
        connection.send(_outcome(function, args, kwargs))


def _outcome(function: Callable[..., Any], args: Any, kwargs: Any) -> tuple[Any, GlintError | None]:
    """What a function returns, or its error: one that the page can show in one line."""
    try:
        return function(*args, **kwargs), None
    except GlintError as error:
        return None, error
    except Exception as error:  # whatever a hostile file makes a library raise
        return None, LoaderError("page_task_failed", reason=f"{type(error).__name__}: {one_line(error)}")
