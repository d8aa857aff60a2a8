"""What tests read of a run directory, to compare it with another."""

import json

import torch

from glint_unet.runs.checkpoint_file import read_checkpoint


def rows(run):
    """metrics.json without its times."""
    kept = json.loads((run / "metrics.json").read_text())
    return [{k: v for k, v in row.items() if k not in ("epoch_time", "timing")} for row in kept]


def weights(path):
    """A checkpoint's weights, by name."""
    return read_checkpoint(path)["model_state_dict"]


def same(a, b):
    """Whether two sets of weights are the same, bit for bit."""
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
