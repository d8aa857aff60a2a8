from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.config import RECIPES, TrainConfig, setting_names
from glint_unet.errors import SettingError

ORIGINAL_FLAGS: dict[str, Any] = {
    "epochs": 50,
    "batch": 8,
    "lr": 1e-3,
    "val_split": 0.1,
    "save_freq": 10,
    "keep_last_n": 3,
    "gpu": None,
    "no_save_optimizer": False,
    "num_workers": 4,
    "preload": True,
    "shared_memory": False,
    "cleanup_shm": False,
    "loss": "focal",
    "alpha": 1.0,
    "gamma": 2.0,
    "lam_focal": 1.0,
    "lam_bce": 0.0,
    "lam_dice": 0.0,
    "div_weight": 0.05,
    "div_mode": "cosine",
    "lam_agg": 0.2,
    "agg_mode": "max",
    "agg_wF": 1.0,
    "agg_wB": 0.0,
    "agg_wD": 0.0,
    "base_channels": 16,
    "output_dir": None,
    "resume": None,
    "model_path": None,
    "save": None,
}


OUR_DEFAULTS = {"lr": 4e-3, "loss": "quality_focal", "div_weight": 0.0, "lam_agg": 0.0}  # docs/experiments.md says why


def test_every_flag_of_the_original_implementation_exists_with_its_default_or_a_better_one():
    config = TrainConfig()
    assert {name: getattr(config, name) for name in ORIGINAL_FLAGS} == ORIGINAL_FLAGS | OUR_DEFAULTS
    assert TrainConfig(**ORIGINAL_FLAGS).loss == "focal"


def test_the_original_recipe_has_the_defaults_of_the_original_implementation():
    config = TrainConfig.of_recipe("original")
    assert {name: getattr(config, name) for name in ORIGINAL_FLAGS} == ORIGINAL_FLAGS
    assert config.recipe == "original"
    assert TrainConfig.of_recipe("default") == TrainConfig()


def test_a_setting_given_with_a_recipe_overrides_it():
    config = TrainConfig.of_recipe("original", h5="eyes.h5", lr=5e-4)
    assert (config.h5, config.lr, config.loss) == ("eyes.h5", 5e-4, "focal")


def test_a_recipe_that_is_named_but_not_applied_is_refused():
    with pytest.raises(SettingError, match=r'TrainConfig.of_recipe\("original"'):
        TrainConfig(recipe="original", h5="eyes.h5")
    with pytest.raises(SettingError, match="default, original"):
        TrainConfig.of_recipe("mine")


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_sets_only_what_belongs_to_the_run(name):
    fixed = {n for n, f in TrainConfig.__dataclass_fields__.items() if f.metadata["resume"] == "fixed"}
    assert RECIPES[name].keys() <= fixed


@pytest.mark.parametrize(
    ("setting", "value", "limit"),
    [
        ("epochs", 0, ">= 1"),
        ("batch", -1, ">= 1"),
        ("lr", 0.0, "> 0"),
        ("lr", float("nan"), "finite"),
        ("val_split", 1.0, "> 0 and <= 0.9"),
        ("loss", "no_such_loss", "focal, bce, dice, hybrid, quality_focal"),
        ("keep_last_n", 0, ">= 1"),
        ("div_mode", "l2", "overlap, cosine, kl"),
        ("num_workers", 1000, "to 256"),
        ("gamma", -1.0, ">= 0"),
        ("batch", 0, ">= 1"),
        ("batch", "most", "number"),
        ("epochs", True, "number"),
    ],
)
def test_a_value_out_of_range_is_refused_with_flag_value_and_limit(setting, value, limit):
    with pytest.raises(SettingError) as refusal:
        TrainConfig(**{setting: value})
    message = str(refusal.value)
    assert f"--{setting}" in message
    assert str(value) in message
    assert limit in message


def test_hybrid_without_any_weight_is_refused():
    with pytest.raises(SettingError, match="lam_focal"):
        TrainConfig(loss="hybrid", lam_focal=0)


@given(
    epochs=st.integers(1, 10**6),
    lr=st.floats(1e-9, 1),
    loss=st.sampled_from(["focal", "bce", "dice", "hybrid"]),
    gpu=st.none() | st.text(max_size=5),
)
def test_a_config_survives_its_dict(epochs, lr, loss, gpu):
    config = TrainConfig(epochs=epochs, lr=lr, loss=loss, gpu=gpu)
    assert TrainConfig.from_dict(config.to_dict() | {"setting_of_another_version": 1}) == config
    assert config.to_dict().keys() == setting_names()


def test_fixed_settings_are_distinguished_from_those_that_may_change():
    earlier = TrainConfig()
    later = TrainConfig(epochs=100, lr=1e-4, num_workers=0, loss="dice")
    assert later.differences(earlier).keys() == {"epochs", "lr", "num_workers", "loss"}
    assert later.fixed_differences(earlier) == {"lr": (4e-3, 1e-4), "loss": ("quality_focal", "dice")}


@pytest.mark.parametrize("named", [{"preload": False}, {"shared_memory": True}])
def test_names_of_a_cache_that_contradict_each_other_are_refused(named):
    with pytest.raises(SettingError, match="--cache ram and --"):
        TrainConfig(cache="ram", **named)
