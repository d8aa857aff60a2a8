"""`glint-unet export` on a small trained run."""

import numpy as np
import safetensors.torch
import torch

from glint_unet.inference.predictor import GlintDetector
from tests.original_unet import original_checkpoint

EN = ("--lang", "en")


def test_half_precision_weights_make_a_smaller_file_that_passes_the_gate_or_is_removed(
    command, eyes_run, eyes_onnx, tmp_path
):
    status, out, err = command("export", "--run", eyes_run, "--out", tmp_path / "h.onnx", "--half", *EN)
    if status == 0:
        assert (tmp_path / "h.onnx").stat().st_size < eyes_onnx.stat().st_size
        assert "maximum difference" in out
    else:
        assert "differs from PyTorch" in err
        assert not (tmp_path / "h.onnx").exists()


def test_safetensors_and_torch_export_hold_the_same_model(command, eyes_run, eyes_frames, tmp_path):
    assert command("export", "--run", eyes_run, "--out", tmp_path / "m.safetensors", *EN)[0] == 0
    weights = torch.load(eyes_run / "best_model_weights.pt")
    stored = safetensors.torch.load_file(tmp_path / "m.safetensors")
    assert weights.keys() == stored.keys()
    assert all(torch.equal(tensor, stored[name]) for name, tensor in weights.items())
    assert command("export", "--run", eyes_run, "--out", tmp_path / "m.pt2", *EN)[0] == 0
    program = torch.export.load(tmp_path / "m.pt2").module()
    points = program(torch.from_numpy(eyes_frames[:5]))[1].detach().numpy()
    glints = GlintDetector.load(eyes_run)(eyes_frames[:5])
    assert np.abs(points - glints.points)[glints.present].max() < 0.01


def test_what_cannot_be_exported_or_opened_is_one_line(command, eyes_run, eyes_onnx, tmp_path):
    (tmp_path / "text.onnx").write_text("no model")
    cases = [
        (("export", "--run", eyes_onnx, "--out", tmp_path / "m.onnx"), "model.onnx is already an exported model"),
        (("export", "--run", eyes_run, "--out", tmp_path / "m.tflite"), "must end with"),
        (("export", "--run", eyes_run, "--out", tmp_path / "m.pt2", "--half"), "must end with"),
        (("export", "--run", tmp_path / "none", "--out", tmp_path / "m.onnx"), "No such checkpoint"),
        (
            ("predict", "--run", tmp_path / "text.onnx", "--input", ".", "--out", tmp_path / "o.csv"),
            "not a model exported by glint-unet",
        ),
    ]
    for words, fragment in cases:
        status, _, err = command(*words, *EN)
        assert (status, err.count("\n")) == (2, 1), err
        assert fragment in err


def test_a_checkpoint_of_the_original_implementation_is_compared_on_random_images(command, tmp_path):
    run = original_checkpoint(tmp_path / "best.pth")
    status, out, err = command("export", "--run", run, "--out", tmp_path / "m.onnx", *EN)
    assert status == 0, err
    assert "best.pth does not record its validation images; comparing on random images" in out
    assert "maximum difference" in out
