"""Small runs for tests: their settings, and the content of a run directory for comparisons."""

import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from glint_unet.config import TrainConfig
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.resume_point import find_resume_point

SMALL: dict[str, Any] = {
    "warmup_steps": 3,
    "cooldown": 0.0,
    "base_channels": 2,
    "epochs": 2,
    "progress": False,
    "lang": "en",
    "save_freq": 1,
    "device": "cpu",
}


def small_files(run: Path, new: Path, names: Sequence[str]) -> Path:
    """A new directory with copies of these files of a run."""
    new.mkdir()
    for name in names:
        shutil.copy(run / name, new)
    return new


def settings(data: Path, run: Path | str, **changes: Any) -> TrainConfig:
    """Settings of a small run of two epochs."""
    return TrainConfig(**{"h5": str(data), "output_dir": str(run), **SMALL, **changes})


def resumed(checkpoint: Path, **changes: Any) -> TrainConfig:
    """Settings that resume from a checkpoint or run directory, as the command line builds them."""
    config = find_resume_point(str(checkpoint), None).config
    return TrainConfig(**{**config.to_dict(), "resume": str(checkpoint), **changes})


def contents(directory: Path) -> dict[str, str]:
    """Every file with a hash of its bytes."""
    files = sorted(p for p in directory.rglob("*") if p.is_file() and p.name != ".run.lock")
    return {str(p): hashlib.md5(p.read_bytes()).hexdigest() for p in files}


def rows(run: Path) -> list[dict[str, Any]]:
    """metrics.json without its times."""
    kept = json.loads((run / "metrics.json").read_text())
    return [{k: v for k, v in row.items() if k not in ("epoch_time", "timing")} for row in kept]


def log_of(run: Path) -> str:
    """The text log."""
    return (run / "training.log").read_text(encoding="utf-8")


def weights(path: Path) -> dict[str, torch.Tensor]:
    """A checkpoint's weights, by name."""
    state: dict[str, torch.Tensor] = read_checkpoint(path)["model_state_dict"]
    return state


def same(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of weights are the same, bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
