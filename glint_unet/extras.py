"""Optional packages, and the command that installs a missing one."""

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
    "pyarrow": "parquet",
    "optuna": "sweep",
    "tensorboard": "tracking",
    "mlflow": "tracking",
    "wandb": "tracking",
    "submitit": "cluster",
    "nicegui": "ui",
}

_ROOT = Path(__file__).resolve().parent.parent


def optional_package(module: str) -> Any:
    """Imports a module of an optional package.

    Args:
        module: name of the module, e.g. 'onnx' or 'onnxruntime'.

    Raises:
        MissingPackageError: the package is not installed; the message has the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise missing_package(error.name or module) from error


def missing_package(module: str) -> MissingPackageError:
    """The error to raise if the package of a module is not installed, whether optional or required."""
    package = module.partition(".")[0]
    return MissingPackageError("package_missing", name=package, command=install_command(EXTRA_OF.get(package)))


def install_command(extra: str | None, root: Path = _ROOT) -> str:
    """The shell command that installs this package with an extra.

    Args:
        extra: name of the extra in pyproject.toml; None: only the required packages.
        root: the directory that contains the package: a checkout if it has a constraints.txt, otherwise the package
            was installed from a wheel.
    """
    suffix = f"[{extra}]" if extra else ""
    if not (root / "constraints.txt").is_file():
        return shlex.join(["pip", "install", f"glint-unet{suffix}"])
    is_here = Path().resolve() == root
    constraints, project = ("constraints.txt", ".") if is_here else (str(root / "constraints.txt"), str(root))
    return shlex.join(["pip", "install", "-c", constraints, "-e", f"{project}{suffix}"])
