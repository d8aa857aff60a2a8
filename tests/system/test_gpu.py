"""Tests that need a GPU; run `pytest -m gpu` on a machine that has one."""

import dataclasses
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from glint_unet.config import TrainConfig
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.inference.predictor import GlintDetector
from glint_unet.training.batch_size import find_batch_size
from glint_unet.training.loop import train

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL: dict[str, Any] = {
    "base_channels": 4,
    "epochs": 3,
    "warmup_steps": 3,
    "progress": False,
    "lang": "en",
    "num_workers": 2,
}

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device"),
]


@pytest.fixture(scope="module")
def eyes(tmp_path_factory):
    path = tmp_path_factory.mktemp("gpu") / "eyes.h5"
    list(write_synthetic(path, Rig.ring(4, image_size=(64, 64), level="easy"), num=60, seed=1))
    return path


@pytest.fixture(scope="module")
def on_cpu(eyes, tmp_path_factory):
    run = tmp_path_factory.mktemp("cpu") / "run"
    train(TrainConfig(h5=str(eyes), output_dir=str(run), device="cpu", **SMALL))
    return json.loads((run / "metrics.json").read_text())


@pytest.mark.parametrize("cache", ["auto", "ram", "shared", "device", "none"])
@pytest.mark.parametrize("more", [{}, {"amp": "none"}, {"accumulate": 2}], ids=str)
def test_a_gpu_trains_as_the_cpu_does_from_every_cache(eyes, on_cpu, tmp_path, shm_root, cache, more):
    train(TrainConfig(h5=str(eyes), output_dir=str(tmp_path / "run"), device="cuda", cache=cache, **SMALL, **more))
    rows = json.loads((tmp_path / "run/metrics.json").read_text())
    for row, wanted in zip(rows, on_cpu, strict=True):
        assert row["train"]["total"] == pytest.approx(wanted["train"]["total"], rel=0.1, abs=0.05)
        timing = row["timing"]
        assert timing["compute"] > 0
        assert timing["data"] + timing["compute"] + timing["val"] == pytest.approx(row["epoch_time"], abs=0.02)
    kind = "Data held in the memory of cuda" if cache in ("auto", "device") else "Data"
    assert kind in (tmp_path / "run/training.log").read_text()


@pytest.mark.parametrize("amp", ["auto", "fp16"])
def test_a_resumed_run_goes_on_from_the_same_loss(eyes, tmp_path, amp):
    run, settings = tmp_path / "run", {**SMALL, "cooldown": 0, "amp": amp, "device": "cuda", "h5": str(eyes)}
    train(TrainConfig(**{**settings, "epochs": 2, "output_dir": str(run)}))
    train(TrainConfig(**{**settings, "epochs": 3, "resume": str(run)}))
    totals = [row["train"]["total"] for row in json.loads((run / "metrics.json").read_text())]
    assert len(totals) == 3
    assert totals[2] < totals[1]


@pytest.mark.parametrize("accumulate", [1, 2])
def test_a_compiled_run_and_a_profile(eyes, on_cpu, tmp_path, accumulate):
    settings = {**SMALL, "compile": True, "profile": 2, "accumulate": accumulate}
    train(TrainConfig(h5=str(eyes), output_dir=str(tmp_path / "run"), device="cuda", **settings))
    rows = json.loads((tmp_path / "run/metrics.json").read_text())
    for row, wanted in zip(rows, on_cpu, strict=True):
        assert row["train"]["total"] == pytest.approx(wanted["train"]["total"], rel=0.1, abs=0.05)
    kinds = {event.get("cat") for event in json.loads((tmp_path / "run/profile.json").read_text())["traceEvents"]}
    assert "kernel" in kinds


def test_the_largest_batch_is_found_and_is_the_runs(eyes, tmp_path):
    run, config = tmp_path / "run", TrainConfig(h5=str(eyes), batch="auto", **SMALL)
    info, device = inspect_dataset(eyes), torch.device("cuda", 0)
    assert find_batch_size(config, info, device, 1) == 2  # 54 images: at least 16 steps of an epoch
    train(dataclasses.replace(config, output_dir=str(run), device="cuda"))
    assert json.loads((run / "training_args.json").read_text())["batch"] == 2
    large = dataclasses.replace(info, image_size=(512, 512), heatmap_size=(128, 128), num_images=40_000)
    most = find_batch_size(config, large, device, 1)
    torch.cuda.set_per_process_memory_fraction(0.01)
    try:
        assert 2 <= find_batch_size(config, large, device, 1) < most <= 2048
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)


def test_a_detector_finds_the_same_on_both(eyes, tmp_path):
    run = train(TrainConfig(h5=str(eyes), output_dir=str(tmp_path / "run"), device="cuda", **SMALL))
    size = inspect_dataset(eyes).image_size
    images = np.random.default_rng(0).integers(0, 255, (4, *size), dtype=np.uint8)
    a, b = (GlintDetector.load(run, device)(images) for device in ("cpu", "cuda"))
    assert np.allclose(a.scores, b.scores, atol=0.02)


@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="fewer than two CUDA devices")
def test_two_gpus_train_one_network(eyes, tmp_path):
    words = [sys.executable, "train_glint_unet.py", "--h5", eyes, "--output_dir", tmp_path / "run", "--gpu", "0,1"]
    done = subprocess.run([*map(str, words), "--epochs", "2", "--lang", "en"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "2 processes train together" in (tmp_path / "run/training.log").read_text()
