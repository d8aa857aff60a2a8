"""Files of bare weights in the safetensors format: tensors by name and a dictionary of strings, nothing executable."""

from collections.abc import Mapping
from pathlib import Path

import safetensors
import safetensors.torch
from torch import Tensor

from glint_unet.errors import CheckpointError, one_line
from glint_unet.files import write_bytes

SUFFIX = ".safetensors"


def write_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Writes a file atomically; raises as `write_bytes` does."""
    contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
    write_bytes(path, safetensors.torch.save(contiguous, metadata=dict(metadata)))


def read_tensors(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Reads the tensors onto the CPU, and the metadata.

    Raises:
        CheckpointError: missing, damaged, or not in this format.
    """
    if not path.is_file():
        raise CheckpointError("checkpoint_missing", path=path)
    try:
        with safetensors.safe_open(path, framework="pt") as content:
            return {name: content.get_tensor(name) for name in content.keys()}, content.metadata() or {}  # noqa: SIM118
    except (safetensors.SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        raise CheckpointError("export_unusable", path=path, reason=one_line(error)) from error
