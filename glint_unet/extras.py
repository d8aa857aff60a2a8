"""Packages that only some features need, and how to install one that is missing."""

import importlib
import shlex
from pathlib import Path
from typing import Any

from glint_unet.errors import MissingPackageError

EXTRA_OF = {
    "cv2": "video",
    "onnx": "export",
    "onnxscript": "export",
    "onnxruntime": "export",
    "safetensors": "export",
    "pyarrow": "parquet",
}

_ROOT = Path(__file__).resolve().parent.parent


def optional_package(module: str) -> Any:
    """The module, imported.

    Args:
        module: such as 'onnx' or 'safetensors.torch'.

    Raises:
        MissingPackageError: its package is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_package(error.name or module) from error


def missing_package(module: str) -> MissingPackageError:
    """What to raise where the package of a module is missing: one of an extra, or one that everything needs."""
    package = module.partition(".")[0]
    return MissingPackageError("package_missing", name=package, command=install_command(EXTRA_OF.get(package)))


def install_command(extra: str | None, root: Path = _ROOT) -> str:
    """The shell command that installs this package with an extra.

    Args:
        extra: its name in pyproject.toml; None: only what everything needs.
        root: the directory that holds the package. With constraints.txt it is a checkout, else the package was
            installed from a wheel.
    """
    suffix = f"[{extra}]" if extra else ""
    if not (root / "constraints.txt").is_file():
        return shlex.join(["pip", "install", f"glint-unet{suffix}"])
    is_here = Path().resolve() == root
    constraints, project = ("constraints.txt", ".") if is_here else (str(root / "constraints.txt"), str(root))
    return shlex.join(["pip", "install", "-c", constraints, "-e", f"{project}{suffix}"])
