"""The memory of the device that computes."""

from pathlib import Path

import psutil
import torch
from torch import Tensor

from glint_unet.errors import SpaceError


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """A copy on the device; on the way to a GPU from pinned memory, so that the host does not wait for it."""
    if device.type == "cuda" and not tensor.is_cuda:
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def free_device_bytes(device: torch.device) -> int:
    """Free bytes in the memory of a device, as reported by its driver; for the CPU, the machine's available memory."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def check_room(path: Path, need: int, device: torch.device) -> None:
    """Refuses a data set of `need` bytes that does not fit into the free memory of a device.

    Raises:
        SpaceError: with both numbers.
    """
    free = free_device_bytes(device)
    if need > free:
        raise SpaceError("memory_too_small", path=path, need_mb=need // 2**20, free_mb=free // 2**20)
