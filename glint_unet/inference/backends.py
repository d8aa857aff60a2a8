"""A trained model in any of its forms, and perhaps a rig file -> what a detector consists of."""

from pathlib import Path
from typing import Any

import torch

from glint_unet.data.synthetic.rig import Rig
from glint_unet.errors import DeviceError, RigError, SettingError
from glint_unet.inference.onnx_file import open_onnx
from glint_unet.inference.safetensors_model import load_safetensors
from glint_unet.inference.trained_model import Backend, load_model, torch_backend
from glint_unet.model.constellation import LEAST_LEDS, Constellation
from glint_unet.model.metrics import PRESENT_FROM_SCORE
from glint_unet.runs.safetensors_file import SUFFIX


def open_backend(path: Path, device: torch.device, rig: Path | None = None) -> tuple[Backend, dict[str, Any]]:
    """The backend of a detector and its further keyword arguments.

    Args:
        path: a run directory, a full checkpoint, or an exported .onnx or .safetensors file.
        device: the compute device; .onnx files run on the CPU.
        rig: a rig file; its constellation replaces that of the model.

    Raises:
        CheckpointError: missing, damaged, unsafe, or incomplete.
        DeviceError: a device other than the CPU for an .onnx file.
        RigError: the rig file cannot be used.
        SettingError: the rig does not fit the model.
    """
    if path.suffix == ".onnx":
        if device.type != "cpu":
            raise DeviceError("onnx_on_cpu", path=path, value=device)
        backend, options = open_onnx(path)
        if rig and not (options["class_free"] or "constellation" in options):
            raise SettingError("onnx_without_peaks", path=path)
        return backend, _for_rig(options, rig, path) if rig else options
    model = load_safetensors(path) if path.suffix == SUFFIX else load_model(path)
    options = _for_rig(model.options(), rig, path) if rig else model.options()
    model = model._replace(num_classes=options["num_classes"], constellation=options.get("constellation"))
    return torch_backend(model, device), options


def _for_rig(options: dict[str, Any], path: Path, run: Path) -> dict[str, Any]:
    """The keyword arguments of a detector, changed to the constellation of a rig file."""
    rig = Rig.read(path)
    constellation = Constellation.of_rig(rig, options["image_size"])
    if constellation is None:
        raise RigError("rig_no_constellation", path=path, num=rig.num_leds, least=LEAST_LEDS)
    if rig.num_leds != options["num_classes"] and not options["class_free"]:
        raise SettingError("rig_other_leds", path=path, num=rig.num_leds, run=run, expected=options["num_classes"])
    if "constellation" not in options:  # the threshold was chosen for other scores
        options = {**options, "threshold": PRESENT_FROM_SCORE, "threshold_alone": options["threshold"]}
    return {**options, "constellation": constellation, "num_classes": rig.num_leds}
