"""The training command: what `--recipe` sets, what overrides it, where it is shown."""

import json
import threading

import h5py
import pytest
import torch

from glint_unet.config import RECIPES
from tests.waiting import wait_until

SMALL = ["--epochs", 1, "--base_channels", 2, "--no_progress", "--lang", "en", "--device", "cpu"]


@pytest.fixture
def trained(command, data, tmp_path):
    """Trains and returns (status, output, training_args.json)."""

    def run(*flags):
        status, out, err = command("train", "--h5", data, "--output_dir", tmp_path / "run", *SMALL, *flags)
        path = tmp_path / "run" / "training_args.json"
        return status, out + err, json.loads(path.read_text()) if path.exists() else {}

    return run


def test_the_original_recipe_in_one_flag(trained):
    status, log, settings = trained("--recipe", "original")
    assert status == 0
    assert "LR: 1.00e-03" in log
    (train,) = [line for line in log.splitlines() if line.startswith("  Train: ")]
    values = {name: float(value) for name, value in (pair.split("=") for pair in train.split()[1:])}
    assert values["focal"] > 0
    assert values["div"] > 0
    assert values["agg"] > 0
    assert settings["recipe"] == "original"
    assert RECIPES["original"].items() <= settings.items()


def test_without_the_flag_the_recipe_is_ours(trained):
    status, _, settings = trained()
    assert status == 0
    assert (settings["recipe"], settings["arch"], settings["lr"]) == ("default", "compact", 4e-3)


@pytest.mark.parametrize("spelling", [["--recipe=original"], ["--recipe", "original"]])
@pytest.mark.parametrize("first", [True, False])
def test_a_flag_overrides_the_recipe_wherever_it_stands(trained, spelling, first):
    single = ["--lr", "2e-3", "--targets", "keypoints"]
    status, log, settings = trained(*(single + spelling if first else spelling + single))
    assert status == 0
    assert "LR: 2.00e-03" in log
    assert (settings["lr"], settings["targets"], settings["arch"]) == (2e-3, "keypoints", "unet")


def test_a_flag_that_only_the_recipe_makes_possible_is_taken(trained):
    assert trained("--recipe", "original", "--targets", "file")[0] == 0


def test_a_resume_keeps_recipe_and_overrides_and_another_recipe_is_refused_by_its_settings(trained, command, tmp_path):
    assert trained("--recipe", "original", "--lr", "2e-3")[0] == 0
    resume = ["train", "--lang", "en", "--resume", tmp_path / "run"]
    for again in ([], ["--recipe", "original"]):
        epochs = 2 + len(again)
        status, out, err = command(*resume, "--epochs", epochs, *again)
        assert status == 0, err
        assert f"Epoch {epochs:03d} " in out
        assert "LR: 2.00e-03" in out
    status, _, err = command(*resume, "--epochs", 9, "--recipe", "default")
    assert status == 2
    assert "--arch unet -> compact" in err
    assert "--lr 0.002 -> 0.004" in err


def test_a_resume_may_change_a_setting_of_the_recipe_where_it_is_allowed(trained, command, tmp_path):
    assert trained("--recipe", "original")[0] == 0
    flags = ["--epochs", 2, "--lr", "5e-4", "--allow_changed", "lr", "--recipe", "original"]
    status, out, err = command("train", "--lang", "en", "--resume", tmp_path / "run", *flags)
    assert status == 0, err
    assert "LR: 5.00e-04" in out


@pytest.mark.parametrize(
    ("before", "now", "fragment"),
    [
        (["--shared_memory"], ["--no_preload"], "batch by batch"),
        (["--cache", "none"], ["--shared_memory"], "shared memory"),
        (["--cache", "shared"], ["--cache", "ram"], "held in memory"),
        (["--shared_memory"], ["--cache", "none"], "batch by batch"),
        (["--no_preload"], ["--preload"], "held in memory"),
        (["--no_preload"], ["--cache", "auto"], "held in memory"),
        (["--no_preload"], ["--shared_memory"], "shared memory"),
        (["--cache", "none"], ["--no_shared_memory"], "held in memory"),
        (["--cache", "none"], [], "batch by batch"),
    ],
)
def test_where_the_data_is_held_is_what_the_line_of_the_resume_says(
    trained, command, tmp_path, shm_root, before, now, fragment
):
    few = ["--num_workers", 0]
    assert trained(*before, *few)[0] == 0
    status, out, err = command("train", "--lang", "en", "--resume", tmp_path / "run", "--epochs", 2, *now)
    assert status == 0, err
    assert fragment in out


def test_flags_of_one_line_that_contradict_each_other_are_refused_on_a_resume_too(trained, command, tmp_path):
    assert trained()[0] == 0
    flags = ["--epochs", 2, "--cache", "ram", "--no_preload"]
    status, _, err = command("train", "--lang", "en", "--resume", tmp_path / "run", *flags)
    assert status == 2
    assert "--cache ram and --no_preload contradict" in err


@pytest.mark.parametrize("now", [["--device", "cpu"], ["--processes", "1"]])
def test_a_run_of_a_gpu_goes_on_where_the_line_says(trained, command, tmp_path, now):
    assert trained()[0] == 0
    latest = tmp_path / "run" / "latest_checkpoint.pth"
    content = torch.load(latest)
    content["train_args"] |= {"gpu": "0", "device": "auto"}
    torch.save(content, latest)
    resume = ["train", "--lang", "en", "--resume", latest, "--epochs", 2]
    assert "no such GPU" in command(*resume)[2]
    assert command(*resume, *now)[0] == 0


def test_an_unknown_recipe_is_refused_with_those_that_are_known(trained):
    status, out, settings = trained("--recipe", "seed")
    assert (status, settings) == (2, {})
    assert "'default', 'original'" in out
    assert trained("--recipe")[0] == 2


@pytest.mark.parametrize("num_workers", [0, 1])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_data_set_replaced_during_training_ends_it_in_one_line(
    private_data, command, tmp_path, num_workers, in_place
):
    run, other = tmp_path / "run", tmp_path / "other.h5"
    other.write_bytes(private_data.read_bytes())
    with h5py.File(other, "r+") as file:
        file["images"][...] = 7

    def replace_after_the_first_epoch():
        wait_until((run / "metrics.json").exists)
        if in_place:
            private_data.write_bytes(other.read_bytes())
        else:
            other.replace(private_data)

    replacer = threading.Thread(target=replace_after_the_first_epoch)
    replacer.start()
    flags = ["--no_preload", "--num_workers", num_workers, "--output_dir", run, *SMALL, "--epochs", 2000]
    status, _, err = command("train", "--h5", private_data, *flags)
    replacer.join()
    assert status == 2
    assert "has changed since the start" in err
    assert len(err.splitlines()) == 1
    assert (run / "latest_checkpoint.pth").is_file()


@pytest.mark.parametrize(
    ("begun", "repeated"),
    [
        (["--recipe", "original"], ["--targets", "file"]),
        (["--targets", "file", "--no_augment"], ["--targets", "file"]),
        (["--loss", "hybrid", "--lam_focal", 0, "--lam_dice", 1], ["--loss", "hybrid", "--lam_focal", 0]),
        (["--recipe", "original"], ["--recipe", "original", "--targets=file", "--lr", "1e-3"]),
    ],
)
@pytest.mark.parametrize("auto", [True, False])
def test_a_resume_accepts_the_values_that_the_run_has(trained, command, tmp_path, begun, repeated, auto):
    assert trained(*begun)[0] == 0
    run = ["--resume", "auto", "--output_dir", tmp_path / "run"] if auto else [f"--resume={tmp_path / 'run'}"]
    status, out, err = command("train", "--lang", "en", *run, "--epochs", 2, *repeated)
    assert status == 0, err
    assert "Epoch 002" in out


def test_help_is_shown_whatever_is_to_be_resumed(command, capsys):
    with pytest.raises(SystemExit) as ending:
        command("train", "--resume", "no/such/run", "--help")
    assert ending.value.code == 0
    assert "--resume" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["{", "[1]", ""])
def test_a_damaged_metrics_file_is_rebuilt_from_the_checkpoint_and_kept_beside(trained, command, tmp_path, damage):
    assert trained("--epochs", 2)[0] == 0
    run = tmp_path / "run"
    history = json.loads((run / "metrics.json").read_text())
    (run / "metrics.json").write_text(damage)
    status, out, err = command("train", "--lang", "en", "--resume", run, "--epochs", 3)
    assert status == 0, err
    rebuilt = json.loads((run / "metrics.json").read_text())
    assert rebuilt[:2] == history
    assert [row["epoch"] for row in rebuilt] == [1, 2, 3]
    (aside,) = (run / "superseded").rglob("metrics.json")
    assert aside.read_text() == damage
    (line,) = [line for line in out.splitlines() if "metrics.json" in line]
    assert str(aside) in line
    assert "rebuilt" in line


def test_a_damaged_metrics_file_of_a_run_that_is_done_is_left_alone(trained, command, tmp_path):
    assert trained()[0] == 0
    (tmp_path / "run" / "metrics.json").write_text("{")
    status, out, err = command("train", "--lang", "en", "--resume", tmp_path / "run")
    assert status == 0, err
    assert "larger --epochs" in out
    assert (tmp_path / "run" / "metrics.json").read_text() == "{"
