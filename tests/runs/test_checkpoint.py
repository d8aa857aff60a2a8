"""A checkpoint as an object: its content is restored, and missing parts are reported."""

import dataclasses

import pytest
import torch

from glint_unet.errors import CheckpointError
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.checkpoint_file import read_checkpoint, write_checkpoint
from glint_unet.training.loop import train
from tests.run_files import same, settings

ORIGINAL = {
    "epoch": 3,
    "model_state_dict": {"w": torch.zeros(2)},
    "optimizer_state_dict": {"state": {}, "param_groups": []},
    "train_args": {"h5": "a.h5", "lr": 1e-3},
    "metrics": {"train": {"total": 0.5}, "val": {"total": 0.4}},
    "timestamp": "2025-11-06 14:30:22",
}


def test_what_is_read_and_written_again_is_the_same_file(finished, tmp_path):
    for name in ("latest_checkpoint.pth", "best_model.pth"):
        checkpoint = Checkpoint.read(finished / name)
        checkpoint.write(tmp_path / name)
        before, after = read_checkpoint(finished / name), read_checkpoint(tmp_path / name)
        assert before.keys() == after.keys()
        for state in ("model_state_dict", "ema_state_dict"):
            assert same(before[state], after[state])
        plain = before.keys() - {"model_state_dict", "ema_state_dict", "optimizer_state_dict", "progress"}
        assert all(before[key] == after[key] for key in plain)
        assert checkpoint.deployed_weights is checkpoint.average
        assert checkpoint.position == (checkpoint.epoch, 0)
        assert checkpoint.config.epochs == 4


def test_the_original_implementations_checkpoint_has_no_state(tmp_path):
    write_checkpoint(tmp_path / "old.pth", ORIGINAL)
    checkpoint = Checkpoint.read(tmp_path / "old.pth")
    assert (checkpoint.epoch, checkpoint.timestamp) == (3, "2025-11-06 14:30:22")
    assert checkpoint.metrics["val"] == {"total": 0.4}
    assert (checkpoint.state, checkpoint.average, checkpoint.scaler) == (None, None, None)
    assert checkpoint.deployed_weights.keys() == {"w"}
    with pytest.raises(CheckpointError, match=r"old\.pth is not a full checkpoint \(missing: split, dataset, best"):
        checkpoint.run_state()


def test_a_resume_of_the_original_implementations_checkpoint_is_refused(data, tmp_path):
    write_checkpoint(tmp_path / "old.pth", ORIGINAL)
    with pytest.raises(CheckpointError, match="missing: split, dataset"):
        train(dataclasses.replace(settings(data, tmp_path / "run"), resume=str(tmp_path / "old.pth")))
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("epoch", "three"),
        ("model_state_dict", [1]),
        ("train_args", 7),
        ("metrics", "none"),
        ("best", {"epoch": 1}),
        ("progress", {"term_sums": torch.zeros(99)}),
        ("split", {"train": "all", "val": []}),
        ("dataset", {"stride": 4}),
        ("history", [{"epoch": 0}]),
        ("steps", None),
        ("scaler", {"scale": "large"}),
        ("ema_state_dict", 3),
    ],
)
def test_a_part_of_another_form_is_refused(finished, tmp_path, key, value):
    write_checkpoint(tmp_path / "odd.pth", {**read_checkpoint(finished / "latest_checkpoint.pth"), key: value})
    with pytest.raises(CheckpointError, match="damaged"):
        Checkpoint.read(tmp_path / "odd.pth")
