"""The learning rate and the averages over a run, also over one of few steps."""

import pytest

from glint_unet.config import TrainConfig
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.training.schedule import learning_rate, statistics_momentum
from tests.run_files import rows

CONFIG = TrainConfig(lr=1.0, warmup_steps=10, cooldown=0.5, epochs=10)


def test_the_rate_rises_stays_and_falls():
    assert learning_rate(CONFIG, 100, 0, 0.0) == pytest.approx(0.1)
    assert learning_rate(CONFIG, 100, 9, 0.5) == 1.0
    assert learning_rate(CONFIG, 100, 500, 5.0) == 1.0
    assert learning_rate(CONFIG, 100, 750, 7.5) == pytest.approx(0.5)
    assert learning_rate(CONFIG, 100, 999, 9.99) == pytest.approx(0.02)


def test_more_epochs_change_only_the_cooldown():
    longer = TrainConfig(**{**CONFIG.to_dict(), "epochs": 20})
    for steps, epochs in ((0, 0.0), (5, 0.05), (300, 3.0), (500, 5.0)):
        assert learning_rate(CONFIG, 100, steps, epochs) == learning_rate(longer, 100, steps, epochs)
    assert learning_rate(CONFIG, 100, 999, 9.5) < learning_rate(longer, 100, 999, 9.5)


def test_without_warmup_and_cooldown_the_rate_is_constant_and_a_rollback_halves_it():
    constant = TrainConfig(lr=0.5, warmup_steps=0, cooldown=0)
    assert {learning_rate(constant, 100, steps, steps / 10) for steps in range(500)} == {0.5}
    assert learning_rate(constant, 100, 0, 0.0, rollbacks=2) == 0.125


@pytest.mark.parametrize(("steps", "epochs", "warm"), [(5, 3, 1), (8, 40, 32), (333, 3, 99), (100, 10, 100), (4, 2, 0)])
def test_the_warm_up_of_a_short_run_spans_a_tenth_of_it(steps, epochs, warm):
    config = TrainConfig(lr=1.0, cooldown=0, epochs=epochs)
    rates = [learning_rate(config, steps, k, k / steps) for k in range(steps * epochs)]
    assert sum(rate < 1.0 for rate in rates) == max(warm - 1, 0)
    assert rates[0] == pytest.approx(1 / max(warm, 1))


def test_a_long_run_has_the_warm_up_that_it_was_given():
    config = TrainConfig(lr=1.0, cooldown=0, epochs=10, warmup_steps=700)
    assert learning_rate(config, 100, 349, 3.49) == 0.5


def test_statistics_of_a_short_run_are_those_of_its_last_half_epoch():
    short = TrainConfig(epochs=3)
    assert statistics_momentum(short, 5) == 0.4
    assert statistics_momentum(short, 1) == 1.0
    assert statistics_momentum(short, 20) == statistics_momentum(short, 300) == 0.1
    assert statistics_momentum(TrainConfig(epochs=200), 5) == 0.1
    assert statistics_momentum(TrainConfig.of_recipe("original", epochs=3), 5) == 0.1


@pytest.fixture(scope="module")
def few(tmp_path_factory):
    """44 easy eyes: 40 to train on, 5 batches, and 4 to validate on."""
    path = tmp_path_factory.mktemp("few") / "eyes.h5"
    list(write_synthetic(path, Rig.ring(4, image_size=(64, 64), stride=4, level="easy"), num=44, seed=0))
    return path


def test_a_run_of_15_steps_validates_what_it_has_learned(few, tmp_path, command):
    flags = ["--epochs", 3, "--device", "cpu", "--lang", "en", "--no_progress"]
    status, out, _ = command("train", "--h5", few, "--output_dir", tmp_path / "run", *flags)
    assert status == 0
    last = rows(tmp_path / "run")[-1]
    assert last["val"]["total"] < 2 * last["train"]["total"]  # was 4 to 5 times as much: the statistics lagged behind
    assert last["train"]["total"] < 0.8  # was 1.2: the warm-up outlasted the run
    assert last["val"]["f1"] > 0
    assert "Short run (15 steps): warm-up steps reduced from 100 to 1" in out
    assert "Short run (15 steps): batch normalisation averages" in out
    assert "Only 4 validation images" in out


def test_a_short_run_says_nothing_where_nothing_is_scaled(few, tmp_path, command):
    flags = ["--epochs", 1, "--device", "cpu", "--lang", "en", "--no_progress", "--batch", 1, "--warmup_steps", 2]
    status, out, _ = command("train", "--h5", few, "--output_dir", tmp_path / "run", *flags, "--val_split", 0.5)
    assert status == 0
    assert "Short run" not in out
    assert "unreliable" not in out


def test_a_warm_up_that_was_set_is_kept_in_a_short_run(few, tmp_path, command):
    flags = ["--epochs", 3, "--device", "cpu", "--lang", "en", "--no_progress", "--warmup_steps", 60, "--cooldown", 0]
    status, out, _ = command("train", "--h5", few, "--output_dir", tmp_path / "run", *flags)
    assert status == 0
    assert [row["lr"] for row in rows(tmp_path / "run")] == [pytest.approx(4e-3 * k / 60) for k in (5, 10, 15)]
    assert "Short run (15 steps): batch normalisation averages" in out
    assert "warm-up steps reduced" not in out
