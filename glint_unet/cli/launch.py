"""Several processes from the plain command, by torch's elastic launcher; `torchrun` does the same from outside."""

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

LOST_ANOTHER = 75  # exit status of a process that ends because another one is gone


def launch(argv: Sequence[str], num_processes: int) -> int:
    """Runs `glint-unet train` in several processes on this machine; returns the exit status.

    A signal goes on to all of them. Where one dies, the others are ended and the one that died first is named.

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
        if reported:  # by the process itself: in one line, or stopped by a signal and saved
            return int(reported[0])
        first, status = next(((r, s) for r, s in ends.items() if s != LOST_ANOTHER), next(iter(ends.items())))
        how = signal.Signals(-status).name if status < 0 else f"exit {status}"
        raise DeviceError("rank_died", rank=first, how=how) from failed
    return 0


def leave_at_once(command: Callable[[Sequence[str]], int], argv: Sequence[str]) -> NoReturn:
    """Runs one process's command as `guarded` does and ends the process there, as the operating system ends processes.

    Threads of torch's connections may still run when the interpreter takes itself down, and abort it: now and then a
    run that was done ended with SIGABRT.
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
