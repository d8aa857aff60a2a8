"""How busy the machine is that serves the page: CPUs, memory, GPUs."""

from typing import NamedTuple

import psutil

from glint_unet.messages import text


class Gpu(NamedTuple):
    """A GPU: share of the time it computed, 0..1, and memory in GiB."""

    number: int
    name: str
    busy: float
    used_gib: float
    total_gib: float


def gpus() -> list[Gpu]:
    """All NVIDIA GPUs of this machine; none without a driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return []
    try:
        return [_gpu(number) for number in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []
    finally:
        pynvml.nvmlShutdown()


def _gpu(number: int) -> Gpu:
    import pynvml

    handle = pynvml.nvmlDeviceGetHandleByIndex(number)
    memory, busy = pynvml.nvmlDeviceGetMemoryInfo(handle), pynvml.nvmlDeviceGetUtilizationRates(handle).gpu
    name = str(pynvml.nvmlDeviceGetName(handle))
    return Gpu(number, name, busy / 100, int(memory.used) / 2**30, int(memory.total) / 2**30)


def machine_lines() -> list[str]:
    """One line for CPUs and memory, and one for each GPU, in the current language."""
    memory = psutil.virtual_memory()
    gib = {"used": (memory.total - memory.available) / 2**30, "total": memory.total / 2**30}
    lines = [text("ui_machine", cpus=psutil.cpu_count() or 1, percent=psutil.cpu_percent(), **gib)]
    for gpu in gpus():
        values = {"number": gpu.number, "name": gpu.name, "percent": 100 * gpu.busy}
        lines.append(text("ui_gpu", **values, used=gpu.used_gib, total=gpu.total_gib))
    return lines
