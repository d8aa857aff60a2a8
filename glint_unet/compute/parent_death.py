"""Ends a child process softly when its parent dies, even if the parent was killed by SIGKILL (Linux)."""

import ctypes
import os
import signal

_PR_SET_PDEATHSIG = 1


def stop_with_parent(parent: int) -> None:
    """Has the system send SIGTERM to this process when its parent dies; if that has happened already, sends it now.

    On systems without `prctl`, does nothing.

    Args:
        parent: process id of the parent, as the parent knows it.
    """
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is None:
        return
    prctl(_PR_SET_PDEATHSIG, int(signal.SIGTERM))
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)
