"""Exported models: what they give, and the comparison with PyTorch before they are kept."""

import math
import shutil

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from glint_unet.errors import CheckpointError, ExportError
from glint_unet.inference.onnx_file import check_export, open_onnx
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import load_model, torch_backend


def test_onnx_gives_what_pytorch_gives_for_any_batch(eyes_onnx, eyes_run, eyes_frames):
    ours, theirs = GlintDetector.load(eyes_run), GlintDetector.load(eyes_onnx)
    assert theirs.labels() == ours.labels()
    assert theirs.threshold == ours.threshold
    for batch in (eyes_frames[:1], eyes_frames[:7], eyes_frames):
        one, other = ours(batch), theirs(batch)
        assert np.array_equal(one.present, other.present)
        assert np.abs(one.points - other.points)[one.present].max() < 0.01
        assert np.abs(one.sigmas - other.sigmas)[one.present].max() < 0.01
    session = onnxruntime.InferenceSession(eyes_onnx)
    heatmaps, points, scores, sigmas = session.run(None, {"images": eyes_frames[:3]})
    assert (heatmaps.shape, points.shape, scores.shape, sigmas.shape) == ((3, 2, 24, 32), (3, 2, 2), (3, 2), (3, 2))
    assert session.get_modelmeta().custom_metadata_map["format"] == "glint-unet 1"


def test_the_gate_finds_a_model_that_differs(eyes_run, eyes_onnx, eyes_frames, tmp_path):
    copy = tmp_path / "copy.onnx"
    shutil.copy(eyes_onnx, copy)
    model = load_model(eyes_run)
    assert check_export(model, copy, eyes_frames) < 0.01
    with torch.no_grad():
        dict(model.network.named_parameters())["votes.1.bias"][0] += 0.1
    with pytest.raises(ExportError, match="differs from PyTorch"):
        check_export(model, copy, eyes_frames)
    assert not copy.exists()


def test_the_gate_finds_positions_that_are_no_numbers(eyes_run, eyes_onnx, eyes_frames, tmp_path):
    content = onnx.load(eyes_onnx)
    (last,) = [node for node in content.graph.node if "points" in node.output]
    last.output[list(last.output).index("points")] = "points_before"
    nan = onnx.helper.make_tensor("not_a_number", onnx.TensorProto.FLOAT, [1], [math.nan])
    content.graph.initializer.append(nan)
    content.graph.node.append(onnx.helper.make_node("Add", ["points_before", "not_a_number"], ["points"]))
    onnx.save(content, tmp_path / "nan.onnx")
    with pytest.raises(ExportError, match="differs from PyTorch by nan px"):
        check_export(load_model(eyes_run), tmp_path / "nan.onnx", eyes_frames)
    assert not (tmp_path / "nan.onnx").exists()


@pytest.mark.parametrize("value", ["nan", "2", "high"])
def test_a_threshold_that_is_none_is_a_damaged_file(eyes_onnx, tmp_path, value):
    content = onnx.load(eyes_onnx)
    (entry,) = [entry for entry in content.metadata_props if entry.key == "threshold"]
    entry.value = value
    onnx.save(content, tmp_path / "bad.onnx")
    with pytest.raises(CheckpointError, match="is not a model exported by glint-unet"):
        open_onnx(tmp_path / "bad.onnx")


def test_an_exported_file_takes_images_of_any_size(eyes_onnx, eyes_run, eyes_frames):
    exported, options = open_onnx(eyes_onnx)
    assert options["any_size"]
    torch_too = torch_backend(load_model(eyes_run))
    wide = np.tile(eyes_frames[:2], (1, 2, 3))[:, :, :132]
    for part in map(np.ascontiguousarray, (eyes_frames[:3], eyes_frames[:1, :32, 16:48], wide)):
        (points, scores, _), (others, heights, _) = exported(part), torch_too(part)
        assert np.abs(scores - heights).max() < 1e-4
        assert np.abs(points - others)[heights > 0.2].max(initial=0) < 0.01
