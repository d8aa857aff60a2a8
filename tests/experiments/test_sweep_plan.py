"""The flags of the runs of a sweep, and its record."""

import dataclasses
import json
from pathlib import Path

import pytest

from glint_unet.config import TrainConfig
from glint_unet.errors import RunDirectoryError, SettingError
from glint_unet.experiments.sweep_plan import Slot, SweepPlan
from glint_unet.experiments.sweep_space import Space

SPACE = Space.parse(["lr=1e-3,2e-3"])


def plan_of(directory, seeds=1, **settings):
    config = TrainConfig(**settings)
    slots = (Slot(None, 2),)
    return SweepPlan(
        directory, ("--h5=a",), ("--shared_memory",), config, "0", SPACE, 2, seeds, "f1", False, False, slots
    )


def test_a_run_gets_the_users_flags_first_then_its_own_settings_seed_and_share_of_the_cores():
    flags = plan_of(Path("d")).run_flags({"lr": "1e-3"}, 7, Slot("1", 3))
    assert flags == ["--h5=a", "--lr=1e-3", "--best_metric=f1", "--shared_memory", "--seed=7", "--threads=3"]


def test_a_run_without_a_share_of_the_cores_chooses_its_threads_itself():
    assert not [f for f in plan_of(Path("d")).run_flags({}, 0, Slot(None, 0)) if "threads" in f]


def test_threads_that_the_user_has_chosen_are_kept():
    assert not [f for f in plan_of(Path("d"), threads=4).run_flags({}, 0, Slot(None, 1)) if "threads" in f]


def test_each_seed_has_a_run_directory_of_its_own():
    plan = plan_of(Path("d"), seeds=2, seed=5)
    assert plan.seeds() == [5, 6]
    assert [plan.run_directory(3, seed).name for seed in plan.seeds()] == ["trial_003_seed_5", "trial_003_seed_6"]
    assert plan_of(Path("d")).run_directory(3, 0).name == "trial_003"


@pytest.mark.parametrize("content", ["{", "[]", "{}", '{"settings": {"lr": "high"}}', '{"settings": 3}', "[" * 100_000])
def test_a_record_that_is_none_is_refused(tmp_path, content):
    plan = plan_of(tmp_path)
    plan.check_or_write_record()
    plan.record_file.write_text(content)
    with pytest.raises(RunDirectoryError, match=r"sweep\.json is damaged"):
        plan.check_or_write_record()


def test_the_same_data_set_by_another_path_is_the_same_sweep(tmp_path):
    plan_of(tmp_path, h5="eyes.h5").check_or_write_record()
    plan_of(tmp_path, h5="/data/eyes.h5").check_or_write_record()
    with pytest.raises(SettingError, match="dataset_md5: 0 -> 1"):
        dataclasses.replace(plan_of(tmp_path, h5="eyes.h5"), dataset_md5="1").check_or_write_record()


def test_a_record_of_an_earlier_version_without_a_later_setting_is_accepted(tmp_path):
    plan = plan_of(tmp_path)
    plan.check_or_write_record()
    record = json.loads(plan.record_file.read_text())
    del record["settings"]["class_free"]
    plan.record_file.write_text(json.dumps(record))
    plan.check_or_write_record()
