"""Which device the run computes on."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch

from glint_unet.compute.group import Group
from glint_unet.config import TrainConfig
from glint_unet.errors import DeviceError


def choose_device(config: TrainConfig, group: Group) -> torch.device:
    """The device that `--gpu` and `--device` ask for, for this process of the group.

    Raises:
        DeviceError: a GPU that this machine does not have, or not one for each process.
    """
    numbers = gpu_numbers(config)
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if numbers:
        if len(numbers) != group.size:
            raise DeviceError("gpus_in_group", size=group.size, value=config.gpu, num=len(numbers))
        missing = [number for number in numbers if number >= num_gpus]
        if missing:
            raise DeviceError("no_gpu", asked=f"--gpu {config.gpu}", found=num_gpus)
        return torch.device("cuda", numbers[group.local_rank])
    if config.device == "cuda" and config.processes > 1:
        raise DeviceError("gpus_and_processes", processes=config.processes, value="0,1")
    if config.device == "cuda" and num_gpus <= group.local_rank:
        raise DeviceError("no_gpu", asked="--device cuda", found=num_gpus)
    on_gpu = num_gpus > group.local_rank and config.device != "cpu" and config.processes == 1
    return torch.device("cuda", group.local_rank) if on_gpu else torch.device("cpu")


def gpu_numbers(config: TrainConfig) -> list[int]:
    """The GPUs that `--gpu` names; none where it is not given.

    Raises:
        DeviceError: no numbers, one twice, or together with flags for the CPU.
    """
    if config.gpu is None:
        return []
    numbers = [number.strip() for number in config.gpu.split(",")]
    if not all(number.isdecimal() for number in numbers) or len(set(numbers)) < len(numbers):
        raise DeviceError("gpu_not_a_number", value=config.gpu)
    if config.device == "cpu":
        raise DeviceError("gpu_and_cpu", value=config.gpu)
    if config.processes > 1:
        raise DeviceError("gpus_and_processes", processes=config.processes, value=config.gpu)
    return [int(number) for number in numbers]


def amp_dtype(amp: str, device: torch.device) -> torch.dtype | None:
    """What autocast computes in; None without autocast. `amp` as in `TrainConfig`."""
    if amp == "auto":
        has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
        amp = "bf16" if has_bf16 else "none"
    return {"none": None, "bf16": torch.bfloat16, "fp16": torch.float16}[amp]


def autocast(amp: str, device: torch.device) -> AbstractContextManager[Any]:
    """In which the network computes as `amp` says."""
    dtype = amp_dtype(amp, device)
    return nullcontext() if dtype is None else torch.autocast(device.type, dtype)


def use_device(device: torch.device) -> None:
    """Makes a GPU the current one: what names no device (events, pinned memory, graphs) must not go to the first."""
    if device.type == "cuda":
        torch.cuda.set_device(device)


def use_threads(num: int, num_processes: int = 1) -> None:
    """Computes on the CPU with `num` threads; 0: as many as torch chooses, one per core, shared by a group's processes.

    Threads of two programs on the same cores wait for each other: beside other work, fewer are faster.
    """
    if num or num_processes > 1:
        torch.set_num_threads(num or max(1, torch.get_num_threads() // num_processes))
