"""Exports models as ONNX (including decoding) or torch.export files, and opens ONNX files as detectors.

The ONNX graph maps `images` (batch, H, W) uint8 to `heatmaps` (batch, C, h, w), `points` (batch, C, 2) in pixels of
these images, `scores` and `sigmas` (batch, C), all float32. The metadata are those of exported.py. Whole images are
given at `image_size`; parts of them, at the same scale, may have any sides of at least 32 px, multiples of the stride.

If the model has a constellation, the graph also returns `peak_points` (batch, M, 2), `peak_scores` (batch, M, C) and
`peak_sigmas` (batch, M), for `assign` of model/assignment.py, which needs numpy alone. The metadata then has the key
`constellation`: a JSON object for `Constellation.from_dict`, in which `threshold` applies to the scores that `assign`
returns; the other `threshold` applies to `scores`.

A class-free model has the key `class_free`. Its `heatmaps` are (batch, 1, h, w); its `points` are the C highest peaks,
the highest first, named glint1, glint2, ... in `labels`; its `peak_scores` are (batch, M, 1), and `assign` names the
peaks by the constellation of any rig.

If the run has recorded what its images look like, the key `appearance` has a JSON object for `Appearance.from_dict`.
"""

import io
import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.errors import CheckpointError, ExportError, one_line
from glint_unet.extras import optional_package
from glint_unet.files import write_bytes
from glint_unet.inference.exported import metadata_of, options_of, threshold_of_scores
from glint_unet.inference.trained_model import Backend, Decoded, DecodingNetwork, TrainedModel, torch_backend

GATE_PX = 0.01
_LEAST_SIDE = 32
OUTPUTS = ("heatmaps", "points", "scores", "sigmas")
PEAK_OUTPUTS = ("peak_points", "peak_scores", "peak_sigmas")


def export_onnx(model: TrainedModel, path: Path, *, half: bool = False) -> None:
    """Writes a .onnx file atomically.

    Args:
        model: the model to export.
        path: the file to write.
        half: store weights as float16, at half the size; computation remains in float32.

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
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)  # silences a warning that torchvision is missing
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # internal deprecations of the exporter
        program = torch.onnx.export(
            wrapped,
            (example,),
            input_names=["images"],
            output_names=[*OUTPUTS, *(PEAK_OUTPUTS if model.constellation or model.class_free else ())],
            dynamic_shapes={"images": _free_axes(model)},
            dynamo=True,
            verbose=False,
        )
    assert program is not None
    graph = program.model_proto
    _name_axes(graph.graph)
    if half:
        _halve(onnx, graph)
    for node in graph.graph.node:  # where in the source each of them comes from, with paths of this machine
        del node.metadata_props[:]
    for name, value in metadata_of(model).items():
        entry = graph.metadata_props.add()
        entry.key, entry.value = name, value
    write_bytes(path, graph.SerializeToString())


def _free_axes(model: TrainedModel) -> dict[int, Any]:
    """The axes of `images` whose length is free: batch, height and width, the latter two multiples of the stride."""
    least = min(_LEAST_SIDE, *model.image_size) // model.stride
    sides = [model.stride * torch.export.Dim(name, min=least, max=4096) for name in ("rows", "columns")]
    return {0: torch.export.Dim("batch", min=1, max=4096), 1: sides[0], 2: sides[1]}


def _name_axes(graph: Any) -> None:
    """Replaces the exporter's formulas for free axes by names."""
    for axis, name in enumerate(("batch", "height", "width")):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = name
    for output in graph.output:
        for axis in output.type.tensor_type.shape.dim[1:]:
            if axis.dim_param:
                axis.Clear()


def _halve(onnx: Any, graph: Any) -> None:
    """Stores every large float32 weight as float16, with a cast back to float32."""
    from onnx import numpy_helper

    casts = []
    for weight in graph.graph.initializer:
        if weight.data_type == onnx.TensorProto.FLOAT and np.prod(weight.dims) > 16:
            narrow = numpy_helper.from_array(numpy_helper.to_array(weight).astype(np.float16), weight.name + "_16")
            casts.append(onnx.helper.make_node("Cast", [narrow.name], [weight.name], to=onnx.TensorProto.FLOAT))
            weight.CopyFrom(narrow)
    for cast in reversed(casts):
        graph.graph.node.insert(0, cast)


def export_torch(model: TrainedModel, path: Path) -> None:
    """Writes a .pt2 file: `torch.export.load(path).module()(images)` returns the same outputs as the ONNX graph."""
    H, W = model.image_size
    wrapped = DecodingNetwork(model).eval()
    wrapped.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    batch = {"images": {0: torch.export.Dim("batch", min=1, max=4096)}}
    with torch.no_grad():
        program = torch.export.export(wrapped, (torch.zeros(2, H, W, dtype=torch.uint8),), dynamic_shapes=batch)
    content = io.BytesIO()
    torch.export.save(program, content)
    write_bytes(path, content.getvalue())


def check_export(model: TrainedModel, path: Path, images: NDArray[np.uint8]) -> float:
    """Compares an exported ONNX file with PyTorch on sample images.

    Args:
        model: the exported model.
        path: the .onnx file.
        images: (N, H, W) uint8 of the size of the network input.

    Returns:
        The largest distance between the points of ONNX Runtime and PyTorch, in pixels, over the present glints and the
        peaks as high as these.

    Raises:
        ExportError: it exceeds `GATE_PX` or is not a number, or the two disagree on which glints are present; the file
            is removed.
    """
    backend, _ = open_onnx(path)
    reference = torch_backend(model)
    worst, threshold = 0.0, threshold_of_scores(model)
    for start in range(0, len(images), 16):
        part = images[start : start + 16]
        (points, scores, _, *peaks), (ours, our_scores, _, *our_peaks) = backend(part), reference(part)
        clear = np.abs(our_scores - threshold) > 1e-3
        differ = ((scores >= threshold) != (our_scores >= threshold)) & clear
        shown = (our_scores >= threshold) & clear & (not model.class_free)  # peaks of one height may change places
        distance = np.linalg.norm(points - ours, axis=-1)[shown]
        is_number = np.isfinite(scores).all() and np.isfinite(our_scores).all()
        found = [worst, *distance.tolist(), *([] if is_number and not differ.any() else [np.inf])]
        if peaks:
            high = our_peaks[1].max(axis=-1) >= threshold + 1e-3
            apart = np.linalg.norm(our_peaks[0][:, :, None] - peaks[0][:, None], axis=-1).min(axis=-1)  # in any order
            found += apart[high].tolist()
        worst = float(np.max(found))  # NaN if any is
    if not worst <= GATE_PX:
        path.unlink(missing_ok=True)
        raise ExportError("export_differs", path=path, px=worst, limit=GATE_PX)
    return worst


def open_onnx(path: Path) -> tuple[Backend, dict[str, Any]]:
    """Opens an exported file.

    Returns:
        The backend of a detector, and the keyword arguments of `GlintDetector`.

    Raises:
        CheckpointError: missing, not ONNX, or not exported by this package.
        MissingPackageError: onnxruntime is not installed.
    """
    runtime = optional_package("onnxruntime")
    if not path.is_file():
        raise CheckpointError("checkpoint_missing", path=path)
    try:
        settings = runtime.SessionOptions()
        settings.intra_op_num_threads = torch.get_num_threads()
        session = runtime.InferenceSession(str(path), settings, providers=["CPUExecutionProvider"])
        options = options_of(session.get_modelmeta().custom_metadata_map)
        options["any_size"] = not isinstance(session.get_inputs()[0].shape[-1], int)
        outputs = list(OUTPUTS[1:])
        if "constellation" in options or options["class_free"]:
            outputs += PEAK_OUTPUTS
    except Exception as error:  # ONNX Runtime raises many types of errors
        raise CheckpointError("export_unusable", path=path, reason=one_line(error)) from error

    def find(images: NDArray[np.uint8]) -> Decoded:
        return tuple(session.run(outputs, {"images": images}))

    return find, options
