"""Transfers to the compute device, and its free memory."""

from pathlib import Path

import psutil
import torch
from torch import Tensor

from glint_unet.errors import SpaceError


def send(tensor: Tensor, device: torch.device) -> Tensor:
    """Copies a tensor to the device; to a GPU from pinned memory, so that the host does not wait."""
    if device.type == "cuda" and not tensor.is_cuda:
        tensor = tensor.pin_memory()
    return tensor.to(device, non_blocking=True)


def free_device_bytes(device: torch.device) -> int:
    """Free memory of a device in bytes, as reported by its driver; for the CPU, the available memory of the machine."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def check_room(path: Path, need: int, device: torch.device) -> None:
    """Checks that a data set fits into the free memory of a device.

    Args:
        path: the data set, for the message.
        need: its size in bytes.
        device: the device that is to hold it.

    Raises:
        SpaceError: it does not fit; the message has both sizes.
    """
    free = free_device_bytes(device)
    if need > free:
        raise SpaceError("memory_too_small", path=path, need_mb=need // 2**20, free_mb=free // 2**20)
