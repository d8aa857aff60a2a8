"""`--profile N`: a trace of N training steps, for https://ui.perfetto.dev or chrome://tracing."""

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch.profiler import ProfilerActivity, profile, schedule

from glint_unet.files import whole_file

_STEPS_BEFORE = 5  # in which memory is allocated and kernels are chosen


@contextlib.contextmanager
def profiled(num_steps: int, path: Path, device: torch.device) -> Iterator[Callable[[], None]]:
    """Traces `num_steps` steps after the first 5; to be called after every step.

    Args:
        num_steps: 0 traces nothing.
        path: the trace's file.
        device: CUDA kernels are traced where it is one.
    """
    if not num_steps:
        yield lambda: None
        return

    def write(tracer: "profile") -> None:
        with whole_file(path) as temporary:
            tracer.export_chrome_trace(str(temporary))

    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
    plan = schedule(wait=_STEPS_BEFORE - 1, warmup=1, active=num_steps, repeat=1)
    with profile(activities=activities, schedule=plan, on_trace_ready=write, record_shapes=True) as tracer:
        yield tracer.step
