"""Settings files: their values count as flags placed before those on the line."""

import json

import pytest

from glint_unet.cli.config_file import with_config_file
from glint_unet.config import TrainConfig
from glint_unet.errors import SettingError

TOML = """
h5 = "my eyes.h5"
epochs = 1
lr = 2e-3
augment = false
shared_memory = true
flip = [3, 2, 1]
"""


@pytest.fixture
def toml(tmp_path):
    """Writes a settings file."""

    def write(content, name="train.toml"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return path

    return write


def test_without_the_flag_the_line_stays_as_it_is():
    assert with_config_file(["--h5", "a.h5"], TrainConfig) == ["--h5", "a.h5"]


def test_the_words_of_the_file_come_before_those_of_the_line(toml):
    line = ["--config", str(toml(TOML)), "--epochs", "3"]
    words = ["--h5=my eyes.h5", "--epochs=1", "--lr=0.002", "--no_augment", "--shared_memory", "--flip=3,2,1"]
    assert with_config_file(line, TrainConfig) == [*words, *line]


def test_a_help_is_shown_whatever_the_file_is():
    line = ["--config", "no/such/file.toml", "--help"]
    assert with_config_file(line, TrainConfig) == line


@pytest.mark.parametrize(
    ("content", "name", "fragment"),
    [
        ("epoch = 3", "a.toml", "'epoch' (epochs?)"),
        ("config = 'b.toml'", "a.toml", "unknown setting 'config'"),
        ("lr = ", "a.toml", "cannot be read"),
        ("[1, 2]", "a.json", "cannot be read"),
        ("{", "a.json", "cannot be read"),
        ("[" * 100_000, "a.json", "cannot be read"),
        ("lr = 2026-11-27", "a.toml", "lr has the value"),
        ("lr = []", "a.toml", "lr has the value"),
        ("lr = [[1]]", "a.toml", "lr has the value"),
        ("flip = ['1,2', '3']", "a.toml", "flip has the value"),
        ("[lr]\nlow = 1", "a.toml", "lr has the value"),
    ],
)
def test_what_is_no_settings_file_is_refused_with_its_name(toml, content, name, fragment):
    path = toml(content, name)
    with pytest.raises(SettingError) as refused:
        with_config_file([f"--config={path}"], TrainConfig)
    assert str(path) in str(refused.value)
    assert fragment in str(refused.value)


@pytest.mark.parametrize("size", [None, 2**21])
def test_a_missing_or_huge_file_is_refused(tmp_path, size):
    path = tmp_path / "train.toml"
    if size:
        path.write_bytes(b"#" * size)
    with pytest.raises(SettingError, match="cannot be read"):
        with_config_file(["--config", str(path)], TrainConfig)


def test_a_training_takes_its_settings_from_a_file_and_another_from_its_record(command, data, toml, tmp_path):
    small = f'h5 = "{data}"\nbase_channels = 2\nepochs = 1\nprogress = false\nlang = "en"\ndevice = "cpu"\nlr = 2e-3\n'
    path = toml(small)
    first, second = tmp_path / "first", tmp_path / "second"
    assert command("train", "--config", path, "--output_dir", first, "--gamma", 1.5)[0] == 0
    record = json.loads((first / "training_args.json").read_text())
    assert (record["lr"], record["gamma"], record["config"]) == (2e-3, 1.5, str(path))
    status, _, err = command("train", "--lang", "en", "--config", first / "training_args.json", "--output_dir", second)
    assert status == 0, err
    again = json.loads((second / "training_args.json").read_text())
    of_one_run = {"config": None, "output_dir": None}
    assert again | of_one_run == record | of_one_run
    same = [json.loads((run / "metrics.json").read_text())[0]["val"] for run in (first, second)]
    assert same[0] == same[1]


@pytest.mark.parametrize(
    ("content", "fragment"),
    [
        ("lr = 99", "--lr 99"),
        ("loss = 'cross'", "--loss 'cross'"),
        ("epochs = 1.5", "--epochs '1.5'"),
        ("epochs = true", "--epochs"),
    ],
)
def test_values_are_checked_as_flags_are(command, toml, content, fragment):
    status, _, err = command("train", "--lang", "en", "--config", toml(content), "--h5", "none.h5")
    assert (status, err.count("\n")) == (2, 1)
    assert fragment in err


def test_a_recipe_in_the_file_sets_the_defaults_and_its_settings_override_them(command, data, toml, tmp_path):
    path = toml(f'recipe = "original"\nlr = 5e-4\nepochs = 1\nbase_channels = 2\nh5 = "{data}"\n')
    run = tmp_path / "run"
    assert command("train", "--config", path, "--output_dir", run, "--device", "cpu", "--no_progress")[0] == 0
    record = json.loads((run / "training_args.json").read_text())
    assert (record["recipe"], record["lr"], record["arch"]) == ("original", 5e-4, "unet")
