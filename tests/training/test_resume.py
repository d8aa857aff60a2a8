"""A resumed run is the same run, or it is refused."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import torch

from glint_unet.config import TrainConfig
from glint_unet.errors import (
    CheckpointError,
    DeviceError,
    ResumeError,
)
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.training import loop
from glint_unet.training.loop import train
from glint_unet.training.resume import check_settings
from glint_unet.training.step import train_step
from tests.run_files import contents, log_of, resumed, rows, same, settings, weights


@pytest.mark.parametrize("name", ["latest_checkpoint.pth", "checkpoints/checkpoint_epoch_002.pth"])
def test_a_resumed_run_equals_one_never_interrupted(finished, data, tmp_path, name):
    run = tmp_path / "run"
    train(settings(data, run))
    train(resumed(run / name, epochs=4))
    assert rows(run) == rows(finished)
    assert same(weights(run / "latest_checkpoint.pth"), weights(finished / "latest_checkpoint.pth"))
    assert same(weights(run / "best_model.pth"), weights(finished / "best_model.pth"))
    assert (run / "split.json").read_text() == (finished / "split.json").read_text()
    log = (run / "training.log").read_text(encoding="utf-8")
    assert log.count("Training starts") == 1
    assert "Setting changed: --epochs 2 -> 4" in log


def test_the_scale_of_a_float16_loss_is_resumed_too(data, tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    for run, epochs in ((whole, 6), (halves, 5)):
        train(settings(data, run, amp="fp16", epochs=epochs, cooldown=0))
    train(resumed(halves, epochs=6))
    ends = [read_checkpoint(run / "latest_checkpoint.pth") for run in (whole, halves)]
    assert ends[0]["scaler"] == ends[1]["scaler"]
    assert ends[1]["scaler"]["_growth_tracker"] > ends[1]["steps"] / 3  # more steps than after the resume
    assert same(*(end["model_state_dict"] for end in ends))


REFUSED_ON_RESUME: dict[str, Any] = {
    "loss": ({"loss": "dice"}, ResumeError, "--loss quality_focal -> dice"),
    "lr": ({"lr": 1e-4}, ResumeError, "--allow_changed lr"),
    "network": ({"base_channels": 4, "allow_changed": "base_channels"}, CheckpointError, "for another network"),
    "unknown": ({"allow_changed": "speed"}, ResumeError, "speed"),
    "gpu": ({"device": "cuda"}, DeviceError, "no such GPU"),
}


@pytest.mark.parametrize("case", REFUSED_ON_RESUME)
def test_a_resume_that_would_be_another_run_is_refused_and_changes_nothing(finished, case):
    if case == "gpu" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    changes, kind, fragment = REFUSED_ON_RESUME[case]
    before = contents(finished)
    with pytest.raises(kind, match=fragment):
        train(resumed(finished, epochs=5, **changes))
    assert contents(finished) == before


def test_a_resume_on_other_data_is_refused(finished, private_data):
    before = contents(finished)
    with pytest.raises(ResumeError, match="not the data set of this run"):
        train(resumed(finished, epochs=5, h5=str(private_data)))
    assert contents(finished) == before


def test_the_learning_rate_may_change_where_the_user_allows_it(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=1))
    train(resumed(run, epochs=2, lr=1e-5, allow_changed="lr"))
    assert [row["lr"] for row in rows(run)] == [4e-3, 1e-5]


OTHER_VALUES: dict[type, Any] = {str: "other", int: 7, float: 0.123}


CHOICES: dict[str, Any] = {
    "init": "other",
    "decoding": "argmax",
    "targets": "file",
    "flip": "1,2,3",
    "loss": "dice",
    "div_mode": "kl",
    "agg_mode": "sum",
    "best_metric": "f1",
    "augment": False,
    "class_free": True,
    "amp": "bf16",
    "warmup_steps": 7,
}


FIXED = [f for f in dataclasses.fields(TrainConfig) if f.metadata["resume"] == "fixed" and f.name != "arch"]


@pytest.mark.parametrize("name", [f.name for f in FIXED])
def test_each_setting_that_belongs_to_the_run_is_refused_on_a_resume(finished, name):
    point = find_resume_point(str(finished), None)
    value = CHOICES[name] if name in CHOICES else OTHER_VALUES[type(getattr(TrainConfig(), name))]
    start = dataclasses.replace(point.config, augment=name != "targets")
    point.checkpoint.train_args["augment"] = start.augment
    changed = dataclasses.replace(start, **{name: value})
    md5 = point.state.dataset["md5"]
    with pytest.raises(ResumeError, match=f"--{name} .* -> {value}"):
        check_settings(changed, point, md5)
    allowed = dataclasses.replace(changed, allow_changed=name)
    assert f"--{name}" in check_settings(allowed, point, md5)[0]


def test_without_the_optimizer_a_resume_says_that_it_is_not_exact(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, no_save_optimizer=True))
    assert "optimizer_state_dict" not in read_checkpoint(run / "latest_checkpoint.pth")
    train(resumed(run, epochs=3))
    log = (run / "training.log").read_text(encoding="utf-8")
    assert "this resume is not exact" in log
    assert len(rows(run)) == 3


def test_a_finished_run_has_nothing_to_do(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run))
    before = rows(run)
    train(resumed(run))
    assert rows(run) == before
    assert "larger --epochs" in (run / "training.log").read_text(encoding="utf-8")


def test_nothing_to_do_changes_nothing(four_epochs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(four_epochs, run)
    before = contents(run)
    for checkpoint in ("checkpoints/checkpoint_epoch_001.pth", "latest_checkpoint.pth"):
        train(resumed(run / checkpoint, epochs=1))
    after = contents(run)
    assert {Path(name).name for name in after if after[name] != before.get(name)} == {"training.log", "status.json"}
    assert before.keys() == after.keys()
    assert "larger --epochs" in log_of(run)


def test_nothing_to_do_makes_no_other_directory(four_epochs, tmp_path):
    before = contents(four_epochs)
    train(resumed(four_epochs / "checkpoints/checkpoint_epoch_001.pth", epochs=1, output_dir=str(tmp_path / "branch")))
    assert not (tmp_path / "branch").exists()
    assert contents(four_epochs) == before


def fewer_images(data, path, num):
    with h5py.File(data) as whole, h5py.File(path, "w") as part:
        for name in whole:
            part[name] = whole[name][:num]
        part.attrs.update(whole.attrs)
    return path


def test_a_data_set_with_fewer_images_than_the_split_is_refused(four_epochs, data, tmp_path):
    before = contents(four_epochs)
    with pytest.raises(ResumeError, match=r"12 images.*20"):
        train(resumed(four_epochs, epochs=5, h5=str(fewer_images(data, tmp_path / "few.h5", 12)), allow_changed="h5"))
    assert contents(four_epochs) == before


def test_a_setting_that_a_resume_cannot_change_is_reported_to_have_no_effect_and_keeps_its_value(four_epochs, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(four_epochs, run)
    train(resumed(run, epochs=5, val_split=0.4, init=str(four_epochs), allow_changed="val_split,init"))
    log = log_of(run)
    assert "--val_split 0.1 -> 0.4 has no effect" in log
    assert "--init None ->" in log
    assert "Setting changed: --val_split" not in log
    kept = json.loads((run / "training_args.json").read_text())
    assert kept["val_split"] == 0.1
    assert kept["init"] is None
    assert (run / "split.json").read_bytes() == (four_epochs / "split.json").read_bytes()


def test_numbers_of_numpy_in_the_settings_are_stored_as_plain_ones(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, lr=np.logspace(-3, -2, 2)[0], epochs=np.int64(1), seed=np.uint32(3)))
    train(resumed(run, epochs=2))
    assert isinstance(read_checkpoint(run / "latest_checkpoint.pth")["train_args"]["lr"], float)
    assert TrainConfig.from_dict(json.loads((run / "training_args.json").read_text())).seed == 3


def test_a_rollback_without_stored_moments_begins_with_new_ones(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    moments: list[bool] = []

    def breaking(state, *arguments):
        moments.extend(bool(torch.isfinite(m["exp_avg"]).all()) for m in state.optimizer.state.values())
        terms = train_step(state, *arguments)
        if state.rollbacks == 0 and state.steps == 4:
            for moment in state.optimizer.state.values():
                moment["exp_avg"].fill_(torch.nan)
            return terms * torch.nan
        return terms

    monkeypatch.setattr(loop, "train_step", breaking)
    train(settings(data, run, epochs=3, on_nan="rollback", no_save_optimizer=True))
    assert all(moments)
    assert torch.isfinite(weights(run / "latest_checkpoint.pth")["stem.0.0.weight"]).all()
    assert "optimizer starts fresh" in log_of(run)
