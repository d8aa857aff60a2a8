"""Several processes from the plain command, by torch's elastic launcher; `torchrun` does the same from outside."""

import logging
import signal
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path

from glint_unet.errors import DeviceError

LOST_ANOTHER = 75  # exit status of a process that ends because another one is gone

_ROOT = Path(__file__).resolve().parent.parent.parent
_SIGNALS = "SIGTERM,SIGINT,SIGUSR1"


def launch(argv: Sequence[str], num_processes: int) -> int:
    """Runs `glint-unet train` in several processes on this machine; returns the exit status.

    A signal goes on to all of them. Where one dies, the others are ended and the one that died first is named.

    Raises:
        DeviceError: a process was killed or crashed.
    """
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    logging.getLogger("torch.distributed.elastic").setLevel(logging.CRITICAL)  # told in our one line
    program = f"import sys; sys.path.insert(0, {str(_ROOT)!r}); from glint_unet.cli.main import main; sys.exit(main())"
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=num_processes,
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        run_id=uuid.uuid4().hex,
        max_restarts=0,
        signals_to_handle=_SIGNALS,
    )
    try:
        elastic_launch(config, sys.executable)("-c", program, "train", *argv)
    except SignalException as stopped:
        return 128 + int(stopped.sigval)
    except ChildFailedError as failed:
        ends = {rank: failure.exitcode for rank, failure in failed.failures.items()}
        first, status = next(((r, s) for r, s in ends.items() if s != LOST_ANOTHER), next(iter(ends.items())))
        if status == 2 or status > 128:  # told in its one line, or stopped by a signal and saved
            return int(status)
        how = signal.Signals(-status).name if status < 0 else f"exit {status}"
        raise DeviceError("rank_died", rank=first, how=how) from failed
    return 0
