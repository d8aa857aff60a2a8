"""Checkpoint files are intact or refused, and never executed."""

import io
import os
import pickle
import random
import zipfile

import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.checkpoint_manager import CheckpointManager
from tests.network_files import ARGS, METRICS, network_and_optimizer


def test_mutated_checkpoints_are_refused_or_hold_the_same_weights(saved, tmp_path):
    _, path, network, _ = saved
    whole, rng = path.read_bytes(), random.Random(0)
    mutant = tmp_path / "mutant.pth"
    refused = 0
    for _ in range(200):
        content = bytearray(whole)
        for _ in range(rng.choice([1, 1, 8])):
            content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
        if rng.random() < 0.2:
            del content[rng.randrange(len(content)) :]
        mutant.write_bytes(content)
        try:
            loaded = read_checkpoint(mutant)
        except CheckpointError:
            refused += 1
        else:
            assert all(torch.equal(loaded["model_state_dict"][n], t) for n, t in network.state_dict().items())
    assert refused > 150


class Payload:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


def hostile_zip(path, canary):
    torch.save({"epoch": 1, "model_state_dict": {}, "x": Payload(canary)}, path)


def hostile_legacy(path, canary):
    torch.save({"epoch": 1, "x": Payload(canary)}, path, _use_new_zipfile_serialization=False)


def hostile_pickle(path, canary):
    path.write_bytes(pickle.dumps(Payload(canary)))


def compressed_bomb(path, canary):
    stored = io.BytesIO()
    torch.save({"epoch": 1, "x": torch.zeros(10**6)}, stored)
    with zipfile.ZipFile(stored) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            new.writestr(entry.filename, old.read(entry))


def stride_bomb(path, canary):
    weights = {"w": torch.zeros(1).expand(10**12)}
    torch.save({"epoch": 1, "model_state_dict": weights, "train_args": {}, "metrics": {}, "timestamp": ""}, path)


@pytest.mark.parametrize("make", [hostile_zip, hostile_legacy, hostile_pickle, compressed_bomb, stride_bomb])
def test_hostile_checkpoints_are_refused_and_never_executed(tmp_path, make):
    path, canary = tmp_path / "hostile.pth", tmp_path / "canary"
    make(path, canary)
    with pytest.raises(CheckpointError):
        read_checkpoint(path)
    assert not canary.exists()


def test_bare_weights_and_missing_files_are_refused_with_the_fix(tmp_path):
    network, optimizer = network_and_optimizer()
    CheckpointManager(tmp_path).save_best(2, network, optimizer, ARGS, METRICS)
    with pytest.raises(CheckpointError, match=r"use latest_checkpoint\.pth"):
        read_checkpoint(tmp_path / "best_model_weights.pt")
    with pytest.raises(CheckpointError, match="No such checkpoint"):
        read_checkpoint(tmp_path / "none.pth")
