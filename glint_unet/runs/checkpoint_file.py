"""Checkpoint files on disk: complete, verified, and never executed.

A checkpoint is an uncompressed zip archive of tensors and plain Python values, written by `torch.save`. `torch.load`
neither verifies the CRCs of the archive (a flipped bit loads silently) nor limits the size a malicious file unpacks
to, so both are checked here first; it is always called with `weights_only=True`.
"""

import io
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from glint_unet.errors import CheckpointError, one_line
from glint_unet.files import write_bytes

REQUIRED_KEYS = ("epoch", "model_state_dict", "train_args", "metrics", "timestamp")


def write_checkpoint(path: Path, content: Mapping[str, Any]) -> None:
    """Writes a checkpoint or a state dict atomically: its CRCs are verified before the file is renamed into place.

    Raises:
        SpaceError: the disk is full; the previous file is untouched.
        RunDirectoryError: the directory is not writable.
    """
    buffer = io.BytesIO()
    torch.save(dict(content), buffer)
    write_bytes(path, buffer.getvalue(), check=_check_zip)


def read_checkpoint(path: Path) -> dict[str, Any]:
    """Reads a full checkpoint onto the CPU.

    Raises:
        CheckpointError: missing, truncated, damaged, compressed, unsafe, or a bare state dict.
    """
    content = read_tensors(path)
    missing = [key for key in REQUIRED_KEYS if key not in content]
    if missing:
        raise CheckpointError("checkpoint_incomplete", path=path, missing=", ".join(missing))
    return content


def read_tensors(path: Path) -> dict[str, Any]:
    """Reads a checkpoint or a bare state dict onto the CPU; raises as `read_checkpoint` does."""
    if not path.is_file():
        raise CheckpointError("checkpoint_missing", path=path)
    _check_zip(path)
    try:
        content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise CheckpointError("checkpoint_hostile", path=path) from error
    except Exception as error:
        raise CheckpointError("checkpoint_damaged", path=path, reason=_reason(error)) from error
    if not isinstance(content, dict):
        raise CheckpointError("checkpoint_incomplete", path=path, missing=", ".join(REQUIRED_KEYS))
    _check_tensors(content, path)
    return content


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            names = [entry.filename for entry in entries]
            if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
                raise CheckpointError("checkpoint_compressed", path=path)
            if len(set(names)) < len(names) or sum(entry.file_size for entry in entries) > path.stat().st_size:
                raise CheckpointError("checkpoint_hostile", path=path)
            damaged = archive.testzip()
    except CheckpointError:
        raise
    except Exception as error:  # a damaged zip can raise nearly anything
        raise CheckpointError("checkpoint_damaged", path=path, reason=_reason(error)) from error
    if damaged is not None:
        raise CheckpointError("checkpoint_damaged", path=path, reason=f"CRC of {damaged}")


def _check_tensors(value: Any, path: Path) -> None:
    """Refuses tensors larger than their storage: with stride 0, one kilobyte can declare 10^12 elements."""
    if isinstance(value, Tensor):
        if value.numel() * value.element_size() > value.untyped_storage().nbytes():
            raise CheckpointError("checkpoint_hostile", path=path)
    elif isinstance(value, dict):
        for item in value.values():
            _check_tensors(item, path)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_tensors(item, path)


def _reason(error: BaseException) -> str:
    return one_line(error) or type(error).__name__
