"""What a sweep reports: the table, the command, and what noise leaves open."""

import csv
import shlex
from pathlib import Path

import pytest

from glint_unet.config import TrainConfig
from glint_unet.experiments.sweep_plan import Slot, SweepPlan
from glint_unet.experiments.sweep_report import best_command, in_words, not_distinguishable, write_table
from glint_unet.experiments.sweep_space import Space
from glint_unet.experiments.sweep_study import TrialResult


@pytest.fixture
def plan(tmp_path):
    space = Space.parse(["loss=focal,dice", "augment=true,false"])
    flags, more = ("--h5", "my eyes.h5", "--epochs=5"), ("--shared_memory",)
    return SweepPlan(tmp_path, flags, more, TrainConfig(), "0" * 32, space, 4, 2, "f1", False, False, (Slot(None, 1),))


def trial(number, *values, state="complete", **more):
    return TrialResult(number, state, {"loss": "focal", "augment": "false"}, values, **more)


def test_the_table_has_a_row_for_each_trial_whatever_became_of_it(plan):
    failed = TrialResult(1, "failed", {"loss": "dice"}, reason='no, "such"\nthing 图')
    write_table(plan, [trial(0, 0.5, 0.7, best_epochs=(3, 4), epochs=10, seconds=12.34), failed])
    with (plan.directory / "sweep.csv").open(newline="", encoding="utf-8") as file:
        first, second = csv.DictReader(file)
    assert first == {
        "trial": "0", "state": "complete", "f1": "0.6", "f1_std": "0.141421", "f1_of_seeds": "0.5 0.7",
        "loss": "focal", "augment": "false", "best_epochs": "3 4", "epochs": "10", "seconds": "12.3",
        "runs": "trial_000_seed_0 trial_000_seed_1", "reason": "",
    }  # fmt: skip
    assert (second["state"], second["f1"], second["augment"]) == ("failed", "", "")
    assert second["reason"] == failed.reason


def test_the_command_has_the_users_flags_and_the_best_settings_but_nothing_of_the_sweep(plan):
    words = shlex.split(best_command(plan, trial(0, 0.9)))
    given = ["--h5", "my eyes.h5", "--epochs=5", "--loss=focal", "--no_augment", "--best_metric=f1"]
    assert words == ["python", "train_glint_unet.py", *given]
    assert Path(words[1]).name == "train_glint_unet.py"


def test_what_differs_by_less_than_the_noise_is_not_distinguishable_from_the_best():
    best, near, far = trial(0, 0.90, 0.94), trial(1, 0.89, 0.93), trial(2, 0.50, 0.52)
    assert not_distinguishable(best, [near, far]) == [near]
    assert not_distinguishable(trial(0, 0.9), [trial(1, 0.9)]) == []


def test_long_numbers_are_shortened_and_other_values_are_not():
    words = in_words({"lr": "0.0012345678", "batch": "8", "loss": "quality_focal"})
    assert words == "lr=0.001235 batch=8 loss=quality_focal"
