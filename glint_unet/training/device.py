"""Which device the run computes on."""

import torch

from glint_unet.config import TrainConfig
from glint_unet.errors import DeviceError


def choose_device(config: TrainConfig) -> torch.device:
    """The device that `--gpu` and `--device` ask for.

    Raises:
        DeviceError: a GPU that this machine does not have, or several of them.
    """
    num_gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if config.gpu is not None:
        return _named_gpu(config, num_gpus)
    if config.device == "cuda" and num_gpus == 0:
        raise DeviceError("no_gpu", asked="--device cuda", found=num_gpus)
    return torch.device("cuda", 0) if num_gpus and config.device != "cpu" else torch.device("cpu")


def amp_dtype(amp: str, device: torch.device) -> torch.dtype | None:
    """What autocast computes in; None without autocast. `amp` as in `TrainConfig`."""
    has_bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported(including_emulation=False)
    return torch.bfloat16 if amp == "bf16" or (amp == "auto" and has_bf16) else None


def use_threads(num: int) -> None:
    """Computes on the CPU with `num` threads; 0: as many as torch chooses, one per core.

    Threads of two programs on the same cores wait for each other: beside other work, fewer are faster.
    """
    if num:
        torch.set_num_threads(num)


def _named_gpu(config: TrainConfig, num_gpus: int) -> torch.device:
    assert config.gpu is not None
    numbers = config.gpu.split(",")
    if not all(number.strip().isdecimal() for number in numbers):
        raise DeviceError("gpu_not_a_number", value=config.gpu)
    if config.device == "cpu":
        raise DeviceError("gpu_and_cpu", value=config.gpu)
    if len(numbers) > 1:
        raise DeviceError("several_gpus", value=config.gpu, first=numbers[0])
    if int(numbers[0]) >= num_gpus:
        raise DeviceError("no_gpu", asked=f"--gpu {config.gpu}", found=num_gpus)
    return torch.device("cuda", int(numbers[0]))
