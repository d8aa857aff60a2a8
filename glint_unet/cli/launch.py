"""Starts several processes from the plain command with PyTorch's elastic launcher, as `torchrun` does externally."""

import logging
import os
import signal
import sys
import traceback
import uuid
from collections.abc import Callable, Sequence
from typing import NoReturn

from glint_unet.cli.exit_status import guarded
from glint_unet.errors import DeviceError

LOST_ANOTHER = 75  # exit status of a process that ends because another process of the group has died


def launch(argv: Sequence[str], num_processes: int) -> int:
    """Runs `glint-unet train` in several processes on this machine; returns the exit status.

    Signals are forwarded to all of them. If one dies, the others are terminated and the first to die is reported.

    Raises:
        DeviceError: a process was killed or crashed.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    from glint_unet.compute.stop_signals import STOP_SIGNALS
    from glint_unet.own_command import train_command

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # we report it in one line
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=num_processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        run_id=uuid.uuid4().hex,
        max_restarts=0,
        signals_to_handle=",".join(number.name for number in STOP_SIGNALS),
    )
    command, *words = train_command(argv)
    try:
        elastic_launch(config, command)(*words)
    except SignalException as stopped:
        return 128 + int(stopped.sigval)
    except ChildFailedError as failed:
        ends = {rank: failure.exitcode for rank, failure in failed.failures.items()}
        reported = [status for status in ends.values() if status == 2 or status > 128]
        if reported:  # the process has reported its error itself, or was stopped by a signal and has saved its state
            return int(reported[0])
        first, status = next(((r, s) for r, s in ends.items() if s != LOST_ANOTHER), next(iter(ends.items())))
        how = signal.Signals(-status).name if status < 0 else f"exit {status}"
        raise DeviceError("rank_died", rank=first, how=how) from failed
    return 0


def leave_at_once(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> NoReturn:
    """Runs the command of one process with `guarded`, then exits immediately without shutting down the interpreter.

    PyTorch's communication threads may still be running at interpreter shutdown and abort it: occasionally, a finished
    run ended with SIGABRT.
    """
    status = 1
    try:
        status = guarded(command, argv)
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
