"""Models for other programs: ONNX with the decoding inside, safetensors, torch.export; and ONNX files as detectors.

The ONNX graph takes `images` (batch, H, W) uint8 and gives `heatmaps` (batch, C, h, w), `points` (batch, C, 2) in
pixels of these images, `scores` and `sigmas` (batch, C). Its metadata says what else is needed: see `METADATA`.
"""

import json
import logging
import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.errors import CheckpointError, ExportError, one_line
from glint_unet.extras import optional_package
from glint_unet.files import whole_file
from glint_unet.inference.trained_model import Backend, Decoded, DecodingNetwork, TrainedModel, torch_backend

METADATA = ("labels", "image_size", "stride", "threshold", "stretch", "prefix", "dataset_md5", "epoch", "run", "format")
FORMAT = "glint-unet 1"
GATE_PX = 0.01
OUTPUTS = ("heatmaps", "points", "scores", "sigmas")


def export_onnx(model: TrainedModel, path: Path, *, half: bool = False) -> None:
    """Writes a .onnx file; it appears whole.

    Args:
        model: what to export.
        path: the file.
        half: weights in 16 bits: half the size; calculated with in 32.

    Raises:
        MissingPackageError: onnx or onnxscript is not installed.
    """
    onnx = optional_package("onnx")
    optional_package("onnxscript")
    H, W = model.image_size
    wrapped = DecodingNetwork(model).eval()
    if half:
        for parameter in wrapped.parameters():
            parameter.data = parameter.data.half().float()
    example = torch.zeros(2, H, W, dtype=torch.uint8)
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # the exporter misses torchvision, we do not
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the exporter about itself
        program = torch.onnx.export(
            wrapped,
            (example,),
            input_names=["images"],
            output_names=list(OUTPUTS),
            dynamic_shapes={"images": {0: torch.export.Dim("batch", min=1, max=4096)}},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    if half:
        _halve(onnx, graph)
    for name, value in _metadata(model).items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = name, value
    with whole_file(path) as temporary:
        Path(temporary).write_bytes(graph.SerializeToString())


def _halve(onnx: Any, graph: Any) -> None:
    """Stores every large 32-bit weight in 16 bits, with a cast back before its use."""
    from onnx import numpy_helper

    casts = []
    for weight in graph.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and np.prod(weight.dims) > 16:
            narrow = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), weight.name + "_16")
            casts.append(onnx.helper.make_node("Cast", [narrow.name], [weight.name], to=onnx.TensorProto.FLOAT))
            weight.CopyFrom(narrow)
    for cast in reversed(casts):
        graph.graph.node.insert(0, cast)


def _metadata(model: TrainedModel) -> dict[str, str]:
    labels = [f"{model.prefix}{channel + 1}" for channel in range(model.num_classes)]
    return {
        "labels": json.dumps(labels),
        "image_size": json.dumps(list(model.image_size)),
        "stride": str(model.stride),
        "threshold": str(model.threshold),
        "stretch": json.dumps(model.stretch),
        "prefix": model.prefix,
        "dataset_md5": model.dataset_md5,
        "epoch": str(model.epoch),
        "run": str(model.path.resolve().parent),
        "format": FORMAT,
    }


def export_safetensors(model: TrainedModel, path: Path) -> None:
    """Writes the bare weights as .safetensors, with the same metadata."""
    package = optional_package("safetensors.torch")
    tensors = {name: tensor.contiguous() for name, tensor in model.network.state_dict().items()}
    with whole_file(path) as temporary:
        package.save_file(tensors, str(temporary), metadata=_metadata(model))


def export_torch(model: TrainedModel, path: Path) -> None:
    """Writes a .pt2 file: `torch.export.load(path).module()(images)` gives what the ONNX graph gives."""
    H, W = model.image_size
    wrapped = DecodingNetwork(model).eval()
    wrapped.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    batch = {"images": {0: torch.export.Dim("batch", min=1, max=4096)}}
    with torch.no_grad():
        program = torch.export.export(wrapped, (torch.zeros(2, H, W, dtype=torch.uint8),), dynamic_shapes=batch)
    inside = path.with_name(f".{path.stem}.{os.getpid()}.pt2")  # torch.export.save wants this ending
    try:
        torch.export.save(program, inside)
        with whole_file(path) as temporary:
            inside.replace(temporary)
    finally:
        inside.unlink(missing_ok=True)


def check_export(model: TrainedModel, path: Path, images: NDArray[np.uint8]) -> float:
    """The greatest distance in px between PyTorch's and ONNX Runtime's points on images (N, H, W) of the input's size.

    Judged are glints that either of them calls present.

    Raises:
        ExportError: it is above `GATE_PX`, or one of them finds a glint that the other does not; the file is removed.
    """
    backend, _ = open_onnx(path)
    reference = torch_backend(model)
    worst = 0.0
    for start in range(0, len(images), 16):
        part = images[start : start + 16]
        (points, scores, _), (ours, our_scores, _) = backend(part), reference(part)
        clear = np.abs(our_scores - model.threshold) > 1e-3
        differ = ((scores >= model.threshold) != (our_scores >= model.threshold)) & clear
        shown = (our_scores >= model.threshold) & clear
        distance = np.linalg.norm(points - ours, axis=-1)[shown]
        worst = max([worst, *distance.tolist(), *([np.inf] if differ.any() else [])])
    if worst > GATE_PX:
        path.unlink(missing_ok=True)
        raise ExportError("export_differs", path=path, px=worst, limit=GATE_PX)
    return worst


def open_onnx(path: Path) -> tuple[Backend, dict[str, Any]]:
    """An exported file as a detector's backend, and the detector's options.

    Raises:
        CheckpointError: missing, not ONNX, or not exported by us.
        MissingPackageError: onnxruntime is not installed.
    """
    runtime = optional_package("onnxruntime")
    if not path.is_file():
        raise CheckpointError("checkpoint_missing", path=path)
    try:
        settings = runtime.SessionOptions()
        settings.intra_op_num_threads = torch.get_num_threads()
        session = runtime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        said = session.get_modelmeta().custom_metadata_map
        (H, W), labels = json.loads(said["image_size"]), json.loads(said["labels"])
        options = {
            "image_size": (int(H), int(W)),
            "num_classes": len(labels),
            "threshold": float(said["threshold"]),
            "stretch": bool(json.loads(said["stretch"])),
            "stride": int(said["stride"]),
            "prefix": said["prefix"],
        }
    except Exception as error:  # ONNX Runtime raises many kinds
        raise CheckpointError("onnx_unusable", path=path, reason=one_line(error)) from error

    def find(images: NDArray[np.uint8]) -> Decoded:
        points, scores, sigmas = session.run(list(OUTPUTS[1:]), {"images": images})
        return points, scores, sigmas

    return find, options
