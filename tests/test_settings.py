"""Values from Python code: valid ones are stored as plain values, all others are refused in one line."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.config import TrainConfig
from glint_unet.errors import SettingError
from glint_unet.messages import set_language
from glint_unet.settings import range_text


@pytest.mark.parametrize(
    ("setting", "given_value", "stored"),
    [
        ("h5", Path("a") / "b.h5", "a/b.h5"),
        ("output_dir", Path("run"), "run"),
        ("h5", np.str_("a.h5"), "a.h5"),
        ("epochs", np.int64(1), 1),
        ("epochs", np.uint8(200), 200),
        ("seed", np.uint32(7), 7),
        ("lr", np.logspace(-3, -2, 2)[0], 1e-3),
        ("lr", np.float32(0.5), 0.5),
        ("lr", Fraction(1, 2), 0.5),
        ("lr", 1, 1.0),
        ("augment", np.bool_(False), False),
        ("batch", np.int32(4), 4),
        ("batch", np.str_("auto"), "auto"),
        ("loss", np.str_("dice"), "dice"),
        ("init", None, None),
    ],
)
def test_numpy_scalars_and_paths_become_plain_values(setting, given_value, stored):
    value = getattr(TrainConfig(**{setting: given_value}), setting)
    assert type(value) is type(stored)
    assert value == stored


@pytest.mark.parametrize(
    ("bounds", "english", "chinese"),
    [
        ((1, 1000), "1 to 1000", "1 到 1000"),
        ((0, 2**32 - 1), "0 to 4294967295", "0 到 4294967295"),
        ((-math.inf, 0.9, 0), "> 0 and <= 0.9", "> 0 且 <= 0.9"),
        ((-math.inf, math.inf, 0), "> 0", "> 0"),
        ((1, math.inf), ">= 1", ">= 1"),
        ((-math.inf, 2), "<= 2", "<= 2"),
    ],
)
def test_a_range_reads_as_a_sentence_has_it(bounds, english, chinese):
    assert range_text(*bounds) == english
    set_language("zh")
    assert range_text(*bounds) == chinese


@pytest.mark.parametrize(
    ("setting", "value", "fragment"),
    [
        ("epochs", 2.5, "whole number"),
        ("epochs", np.float64(3), "whole number"),
        ("epochs", 10**400, "finite number"),
        ("epochs", None, "finite number"),
        ("lr", "0.1", "finite number"),
        ("lr", np.float64("nan"), "finite number"),
        ("lr", np.array([0.1]), "finite number"),
        ("lr", torch.tensor(0.1), "finite number"),
        ("lr", 1j, "finite number"),
        ("augment", 1, "True, False"),
        ("augment", "no", "True, False"),
        ("h5", b"a.h5", "of type bytes"),
        ("h5", 3, "of type int"),
        ("h5", None, "of type NoneType"),
        ("h5", "a\0b", "NUL"),
        ("output_dir", ["run"], "of type list"),
        ("output_dir", "", "is empty"),
        ("resume", "", "is empty"),
        ("init", "", "is empty"),
        ("loss", ["dice"], "focal, bce"),
        ("loss", np.arange(200), "focal, bce"),
    ],
)
def test_what_a_setting_cannot_hold_is_refused_in_one_line_that_names_it(setting, value, fragment):
    with pytest.raises(SettingError) as refusal:
        TrainConfig(**{setting: value})
    message = str(refusal.value)
    assert message.startswith(f"--{setting} ")
    assert fragment in message
    assert message.isprintable()


@given(
    setting=st.sampled_from(sorted(TrainConfig().to_dict())),
    value=st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.binary()
    | st.builds(Path, st.text(max_size=3))
    | st.floats(width=32).map(np.float32)
    | st.integers(-100, 100).map(np.int16)
    | st.lists(st.integers(), max_size=2),
)
def test_a_config_is_plain_json_or_refused_in_one_line(setting, value):
    refusal = ""
    try:
        stored = TrainConfig(**{setting: value}).to_dict()
    except SettingError as error:
        refusal = str(error)
    if refusal:
        assert len(refusal.splitlines()) == 1
        return
    assert {type(plain) for plain in stored.values()} <= {str, int, float, bool, type(None)}
    assert TrainConfig(**json.loads(json.dumps(stored))).to_dict() == stored


def test_what_belongs_to_one_start_alone_is_not_a_difference_and_not_resumed():
    start = TrainConfig(resume="a.pth", allow_changed="lr", cleanup_shm=True, save="x", epochs=7)
    assert start.differences(TrainConfig(epochs=7)) == {}
    assert TrainConfig.of_earlier_start(start.to_dict()) == TrainConfig(epochs=7)
