"""What a run came to, in one line, and the processor that this holds on."""

import hashlib
from pathlib import Path

import torch


def weights_sha256(path: Path) -> str:
    """Of a checkpoint's weights, in the order of their names."""
    weights = torch.load(path, weights_only=True)["model_state_dict"]
    return hashlib.sha256(b"".join(weights[name].numpy().tobytes() for name in sorted(weights))).hexdigest()


def processor() -> str:
    """Its name, as Linux knows it."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), "unknown")
