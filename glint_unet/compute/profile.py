"""`--profile N`: traces N training steps, for https://ui.perfetto.dev or chrome://tracing."""

import contextlib
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule

from glint_unet.files import whole_file

_STEPS_BEFORE = 5  # these allocate memory and select kernels


@contextlib.contextmanager
def profiled(num_steps: int, path: Path, device: torch.device, num_steps_left: int) -> Iterator[Callable[[], None]]:
    """Traces `num_steps` training steps after a warm-up of 5.

    A run with fewer steps left has a shorter warm-up; with fewer than `num_steps` left, all of them are traced.

    Args:
        num_steps: 0 traces nothing.
        path: the trace file to write.
        device: on a CUDA device, kernels are traced too.
        num_steps_left: remaining steps of the run.

    Yields:
        a function to call after every step.
    """
    if not num_steps:
        yield lambda: None
        return

    def write(tracer: "profile") -> None:
        with whole_file(path) as temporary:
            tracer.export_chrome_trace(str(temporary))

    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    num_skipped = min(_STEPS_BEFORE, max(0, num_steps_left - num_steps))
    warmup = min(1, num_skipped)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a missing warm-up: a run of a few steps has none to spare
        plan = schedule(wait=num_skipped - warmup, warmup=warmup, active=num_steps, repeat=1)
    with profile(activities=activities, schedule=plan, on_trace_ready=write, record_shapes=True) as tracer:
        yield tracer.step
