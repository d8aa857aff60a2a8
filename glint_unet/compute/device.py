"""The compute device and mixed precision."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from glint_unet.compute.group import Group
from glint_unet.config import TrainConfig
from glint_unet.errors import DeviceError


def parse_device(name: str | torch.device) -> torch.device:
    """Parses a device name.

    Args:
        name: 'cpu', 'cuda' (the current GPU), 'cuda:1', ..., or a `torch.device`.

    Raises:
        DeviceError: the name is invalid, or this machine has no such GPU.
    """
    kind, colon, number = str(name).partition(":")
    is_known = kind == "cuda" or (kind == "cpu" and not colon)
    if not is_known or (colon and not _is_number(number)):
        raise DeviceError("not_a_device", value=str(name), choices="cpu, cuda, cuda:1, ...")
    if kind == "cuda" and int(number or 0) >= num_gpus():
        raise DeviceError("no_gpu", requested=f"--device {name}", found=num_gpus())
    return torch.device(kind, int(number)) if colon else torch.device(kind)


def num_gpus() -> int:
    """The number of CUDA devices on this machine."""
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def _is_number(word: str) -> bool:
    return word.isascii() and word.isdecimal() and len(word) < 10


def choose_device(config: TrainConfig, group: Group) -> torch.device:
    """The device that `--gpu` and `--device` select for this process of the group.

    Raises:
        DeviceError: this machine has no such GPU, or fewer GPUs than processes.
    """
    numbers, found = gpu_numbers(config), num_gpus()
    if numbers:
        if len(numbers) != group.local_size:
            raise DeviceError("gpus_in_group", size=group.local_size, value=config.gpu, num=len(numbers))
        if max(numbers) >= found:
            raise DeviceError("no_gpu", requested=f"--gpu {config.gpu}", found=found)
        return torch.device("cuda", numbers[group.local_rank])
    if config.device == "cuda" and config.processes > 1:
        raise DeviceError("gpus_and_processes", processes=config.processes, value="0,1")
    if config.device == "cuda" and found <= group.local_rank:
        raise DeviceError("no_gpu", requested="--device cuda", found=found)
    on_gpu = found > group.local_rank and config.device != "cpu" and config.processes == 1
    return torch.device("cuda", group.local_rank) if on_gpu else torch.device("cpu")


def gpu_numbers(config: TrainConfig) -> list[int]:
    """The GPU numbers listed in `--gpu`; empty if the flag is not given.

    Raises:
        DeviceError: not a list of numbers, a duplicate number, or a combination with flags for CPU training.
    """
    if config.gpu is None:
        return []
    numbers = [number.strip() for number in config.gpu.split(",")]
    if not all(_is_number(number) for number in numbers) or len(set(numbers)) < len(numbers):
        raise DeviceError("gpu_not_a_number", value=config.gpu)
    if config.device == "cpu":
        raise DeviceError("gpu_and_cpu", value=config.gpu)
    if config.processes > 1:
        raise DeviceError("gpus_and_processes", processes=config.processes, value=config.gpu)
    return [int(number) for number in numbers]


def amp_dtype(amp: str, device: torch.device) -> torch.dtype | None:
    """The dtype for autocast, or None if autocast is off; `amp` as in `TrainConfig`."""
    if amp == "auto":
        has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        amp = "bf16" if has_bf16 else "none"
    return {"none": None, "bf16": torch.bfloat16, "fp16": torch.float16}[amp]


def autocast(amp: str, device: torch.device) -> AbstractContextManager[Any]:
    """The autocast context for a forward pass; does nothing if `amp` turns autocast off."""
    dtype = amp_dtype(amp, device)
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)


def use_device(device: torch.device) -> None:
    """Makes a GPU the current device, on which CUDA creates events, pinned memory and graphs."""
    if device.type == "cuda":
        torch.cuda.set_device(device)


def device_name(device: torch.device) -> str:
    """The device for the log: `cuda:0 (NVIDIA A100)`, or `cpu (2 threads)`."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"cpu ({torch.get_num_threads()} threads)"
