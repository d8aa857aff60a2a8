"""Waiting for what other processes do: always for a condition, never for a time.

No wait has a bound of its own: a test that hangs is ended, with a stack of the place, by pytest's `timeout` in
pyproject.toml. That is the only bound there is, and far above what any test takes on a busy machine.
"""

import subprocess
import time
from collections.abc import Callable
from typing import Any


def wait_until(condition: Callable[[], object], *processes: "subprocess.Popen[Any]") -> None:
    """Returns as soon as the condition holds; fails where a process that should bring it about has ended before."""
    while not condition():
        ended = [process.args for process in processes if process.poll() is not None]
        assert not ended or condition(), f"ended before what the test waits for: {ended}"
        time.sleep(0.01)
