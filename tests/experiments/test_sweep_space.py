"""What `--set` means."""

import pytest

from glint_unet.errors import SettingError
from glint_unet.experiments.sweep_space import Choices, Range, Space, flags_of


@pytest.mark.parametrize(
    ("assignment", "parameter"),
    [
        ("loss=focal,hybrid", Choices("loss", ("focal", "hybrid"))),
        ("loss = focal , hybrid, focal", Choices("loss", ("focal", "hybrid"))),
        ("h5=../a.h5,../b.h5", Choices("h5", ("../a.h5", "../b.h5"))),
        ("weight-decay=0,1e-2", Choices("weight_decay", ("0", "1e-2"))),
        ("lr=1e-4..1e-2:log", Range("lr", 1e-4, 1e-2, is_log=True, is_whole=False)),
        ("lr=.5..1.5", Range("lr", 0.5, 1.5, is_log=False, is_whole=False)),
        ("batch=4..64:log", Range("batch", 4, 64, is_log=True, is_whole=True)),
        ("aug_blur=0..2", Range("aug_blur", 0, 2, is_log=False, is_whole=False)),
    ],
)
def test_lists_and_ranges(assignment, parameter):
    assert Space.parse([assignment]).parameters == (parameter,)
    assert Space.parse([str(parameter)]).parameters == (parameter,)


@pytest.mark.parametrize(
    "assignment",
    ["loss", "=focal", "loss=", "loss=focal,,dice", "lr=1..x", "lr=1..2:exp", "lr=1..2,3"],
)
def test_another_form_is_refused_with_those_that_are_known(assignment):
    with pytest.raises(SettingError, match=r"--set loss=focal,hybrid") as refused:
        Space.parse([assignment])
    assert assignment in str(refused.value)


@pytest.mark.parametrize("assignment", ["lr=2..1", "lr=1..1", "lr=0..1:log", "batch=1.5..4", "lr=1..1e999"])
def test_an_impossible_range_is_refused(assignment):
    with pytest.raises(SettingError, match="smaller") as refused:
        Space.parse([assignment])
    assert assignment in str(refused.value)


def test_lists_make_a_grid_and_a_range_makes_none():
    lists = ["loss=focal,dice", "batch=4,8"]
    grid = Space.parse(lists).grid()
    assert grid == [{"loss": x, "batch": y} for x in ("focal", "dice") for y in ("4", "8")]
    assert Space.parse([*lists, "lr=1e-3..1e-2"]).grid() is None


def test_of_two_assignments_of_one_setting_the_last_one_counts():
    assert Space.parse(["loss=focal,dice", "lr=1e-3,1e-2", "loss=bce"]).grid() == [
        {"loss": "bce", "lr": "1e-3"},
        {"loss": "bce", "lr": "1e-2"},
    ]


def test_values_become_flags_and_those_of_switches_their_two_forms():
    assert flags_of({"lr": "1e-3", "augment": "true", "compile": "False"}) == ["--lr=1e-3", "--augment", "--no_compile"]
    with pytest.raises(SettingError, match="true, false"):
        flags_of({"augment": "yes"})
