"""The result of a run in one line, and the processor on which it is reproducible."""

import hashlib
from pathlib import Path

import torch


def weights_sha256(path: Path) -> str:
    """Of what a checkpoint's training has learnt, in the order of the names: all but the statistics of batches."""
    weights = torch.load(path, weights_only=True)["model_state_dict"]
    names = [name for name in sorted(weights) if "running_" not in name]
    return hashlib.sha256(b"".join(weights[name].numpy().tobytes() for name in names)).hexdigest()


def processor() -> str:
    """Its name, as Linux knows it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")
