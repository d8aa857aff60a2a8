import json
import re
from typing import Any, cast

import numpy as np
import pytest
import torch

from glint_unet.errors import RunDirectoryError
from glint_unet.messages import set_language
from glint_unet.runs.training_log import TrainingLogger

TRAIN = {"total": 0.2345, "focal": 0.1234, "bce": 0.0, "dice": 0.0, "div": 0.0111}
VAL = {"total": 0.1987, "focal": 0.1045, "bce": 0.0, "dice": 0.0, "div": 0.0092}


def test_an_epoch_reads_as_in_the_seed(tmp_path, capsys):
    set_language("zh")
    TrainingLogger(tmp_path).log_epoch(1, TRAIN, VAL, 1e-3, 45.321)
    log = (tmp_path / "training.log").read_text(encoding="utf-8")
    assert re.sub(r"^\[.{19}\]", "[T]", log) == (
        "[T] \nEpoch 001 (耗时: 45.32s, LR: 1.00e-03):\n"
        "  Train: total=0.2345 focal=0.1234 bce=0.0000 dice=0.0000 div=0.0111\n"
        "  Val:   total=0.1987 focal=0.1045 bce=0.0000 dice=0.0000 div=0.0092\n"
    )
    assert capsys.readouterr().out == log


def test_the_metrics_row_has_the_seeds_form(tmp_path):
    TrainingLogger(tmp_path).log_epoch(1, TRAIN, VAL, 1e-3, 45.321)
    row = {"epoch": 1, "train": TRAIN, "val": VAL, "lr": 0.001, "epoch_time": 45.32}
    assert json.loads((tmp_path / "metrics.json").read_text()) == [row]


def test_a_second_logger_goes_on_where_the_first_ended(tmp_path):
    TrainingLogger(tmp_path).log_epoch(1, TRAIN, VAL, 1e-3, 1)
    second = TrainingLogger(tmp_path)
    second.log("between", print_console=False)
    second.log_epoch(2, TRAIN, VAL, 1e-3, 1)
    second.log_epoch(2, TRAIN, VAL, 1e-4, 1)
    rows = json.loads((tmp_path / "metrics.json").read_text())
    assert [(row["epoch"], row["lr"]) for row in rows] == [(1, 1e-3), (2, 1e-4)]
    assert "between" in (tmp_path / "training.log").read_text(encoding="utf-8")


def test_what_has_no_value_is_null_in_json_and_a_dash_in_the_log(tmp_path):
    TrainingLogger(tmp_path).log_epoch(1, TRAIN, {"total": float("nan"), "f1": None}, 1e-3, 1)
    assert json.loads((tmp_path / "metrics.json").read_text())[0]["val"] == {"total": None, "f1": None}
    assert "f1=-" in (tmp_path / "training.log").read_text(encoding="utf-8")


def test_a_message_may_stay_off_the_console(tmp_path, capsys):
    TrainingLogger(tmp_path).log("quiet", print_console=False)
    assert capsys.readouterr().out == ""
    assert "quiet" in (tmp_path / "training.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("content", ["{", "3", '[{"epoch": "x"}]', "[1]"])
def test_a_damaged_metrics_file_is_refused_not_overwritten(tmp_path, content):
    (tmp_path / "metrics.json").write_text(content)
    with pytest.raises(RunDirectoryError, match="not a list of epochs"):
        TrainingLogger(tmp_path)
    assert (tmp_path / "metrics.json").read_text() == content


def test_numbers_of_numpy_and_torch_are_numbers_in_json(tmp_path):
    train: Any = {"total": np.float32(0.5), "focal": np.float64(0.25), "bce": torch.tensor(0.125), "dice": np.int64(2)}
    val: Any = {"total": np.float32("nan"), "f1": np.float16("inf")}
    epoch, lr = cast(int, np.int64(1)), cast(float, np.float32(0.5))
    more = {"timing": {"data": np.float32(1.5)}, "confusion": np.eye(2, dtype=np.int64), "speed": float("nan")}
    TrainingLogger(tmp_path).log_epoch(epoch, train, val, lr, np.float64(2.0), more)
    (row,) = json.loads((tmp_path / "metrics.json").read_text())
    assert row["train"] == {"total": 0.5, "focal": 0.25, "bce": 0.125, "dice": 2}
    assert row["val"] == {"total": None, "f1": None}
    assert (row["epoch"], row["lr"], row["epoch_time"]) == (1, 0.5, 2.0)
    assert (row["timing"], row["confusion"], row["speed"]) == ({"data": 1.5}, [[1, 0], [0, 1]], None)
    assert TrainingLogger(tmp_path).history == [row]


@pytest.mark.parametrize("value", ["1", b"1", 1j, [1], {}, np.array([1, 2]), torch.zeros(2), object()])
@pytest.mark.parametrize("place", ["epoch", "train", "val", "lr", "time"])
def test_what_is_no_number_is_refused_before_anything_is_written(tmp_path, value, place):
    given: dict[str, Any] = {"epoch": 1, "train": TRAIN, "val": VAL, "lr": 1e-3, "time": 1.0}
    given[place] = {"total": value} if place in ("train", "val") else value
    logger = TrainingLogger(tmp_path)
    with pytest.raises(TypeError, match="is not a number"):
        logger.log_epoch(*given.values())
    assert (logger.history, list(tmp_path.iterdir())) == ([], [])


def test_terms_beyond_the_original_line_appear_only_where_they_are_on(tmp_path, capsys):
    TrainingLogger(tmp_path).log_epoch(1, TRAIN | {"agg": 0.0, "votes": 0.2}, VAL | {"agg": 0.1, "votes": 0.0}, 1e-3, 1)
    train, val = capsys.readouterr().out.splitlines()[-2:]
    assert train.endswith("dice=0.0000 div=0.0111 votes=0.2000")
    assert val.endswith("dice=0.0000 div=0.0092 agg=0.1000")
