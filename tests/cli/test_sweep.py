"""The sweep command: what it refuses, and one whole sweep with real trainings."""

import csv
import json
import os
import shlex
import signal
import subprocess
import sys
from functools import partial

import pytest

from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.verify_resume import compare_runs
from tests.conftest import ROOT
from tests.run_files import log_of
from tests.waiting import wait_until

SMALL = ["--epochs", 2, "--base_channels", 2, "--device", "cpu", "--lang", "en"]


@pytest.fixture
def refused(command, data, tmp_path):
    """The one line with which a sweep is refused; nothing is written."""

    def run(*flags, h5=data):
        status, _, err = command("sweep", "--lang", "en", "--h5", h5, "--output_dir", tmp_path / "sweep", *flags)
        assert (status, err.count("\n")) == (2, 1), err
        assert not (tmp_path / "sweep").exists()
        return err

    return run


@pytest.mark.parametrize(
    ("flags", "fragment"),
    [
        ("", "no setting to vary"),
        ("--set lr", "--set loss=focal,hybrid"),
        ("--set lr=1e-3,99", "--lr 99"),
        ("--set lr=1e-3..99", "--lr 99"),
        ("--set loss=focal,cross", "'cross'"),
        ("--set augment=true,maybe", "true, false"),
        ("--set learning_rate=1,2", "--lr?"),
        ("--set lr=1e-3,2e-3 --trails 3", "--trials?"),
        ("--set lr=1e-3,2e-3 --epoch 3", "--epochs?"),
        ("--set lr=1e-3,2e-3 --epochs 0", "--epochs 0"),
        ("--set lr=1e-3,2e-3 --lr 1e-3", "contradict"),
        ("--set seed=1,2", "--seeds"),
        ("--set lr=1e-3,2e-3 --resume auto", "--resume"),
        ("--set lr=1e-3,2e-3 --best_metric f1", "--metric"),
        ("--set lr=1e-3,2e-3 --gpus 0,0", "0,0"),
        ("--set lr=1e-3,2e-3 --gpus 77", "no such GPU"),
        ("--set lr=1e-3,2e-3 --per_gpu 2", "--per_gpu 2"),
        ("--set lr=1e-3,2e-3 --gpus 0 --per_gpu 2 --parallel 3", "--parallel 3"),
        ("--set lr=1e-3,2e-3 --engine slurm --gpus 0", "gpus_per_node"),
        ("--set lr=1e-3,2e-3 --slurm partition=gpu", "--slurm"),
        ("--set lr=1e-3,2e-3 --engine slurm --slurm gpu", "partition=gpu"),
        ("--set loss=focal,dice --metric total", "cannot be compared"),
        ("--set lr=1e-3,2e-3 --config none.toml", "none.toml"),
    ],
)
def test_what_no_trial_could_use_is_refused_before_anything_is_written(refused, flags, fragment):
    assert fragment in refused(*flags.split())


def test_a_data_set_that_cannot_be_used_is_refused_before_anything_is_written(refused):
    assert "none.h5" in refused("--set", "lr=1e-3,2e-3", h5="none.h5")


def test_a_directory_is_required(command, data):
    status, _, err = command("sweep", "--lang", "en", "--h5", data, "--set", "lr=1e-3,2e-3")
    assert status == 2
    assert "--output_dir" in err


def table_of(sweep):
    with (sweep / "sweep.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def own_copy(private_data):
    """A data set whose shared copies are removed after the test."""
    yield private_data
    SharedMemoryDatasetCache.cleanup(private_data)


@pytest.mark.slow
def test_a_sweep_from_a_file_trains_on_one_copy_of_the_data_and_reports_the_best(own_copy, command, tmp_path):
    sweep, toml = tmp_path / "sweep", tmp_path / "sweep.toml"
    toml.write_text(
        f'h5 = "{own_copy}"\noutput_dir = "{sweep}"\nparallel = 2\nepochs = 1\ndevice = "cpu"\n'
        "[set]\nbase_channels = [2, 3]\naugment = [false]\n"
    )
    status, out, err = command("sweep", "--config", toml, "--lang", "en", "--epochs", 2)
    assert status == 0, err
    table = table_of(sweep)
    assert [(row["state"], row["base_channels"], row["epochs"]) for row in table] == [
        ("complete", "2", "2"),
        ("complete", "3", "2"),
    ]
    runs = [sweep / row["runs"] for row in table]
    records = [json.loads(RunDirectory(run).training_args.read_text()) for run in runs]
    assert [record["base_channels"] for record in records] == [2, 3]
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    assert [(r["epochs"], r["augment"], r["threads"], r["best_metric"]) for r in records] == [
        (2, False, share, "f1")
    ] * 2
    logs = [log_of(run) for run in runs]
    assert sorted("shared memory" in log for log in logs) == [True, True]
    assert sum("(created)" in log for log in logs) == 1
    best = max(table, key=lambda row: float(row["f1"]))
    assert f"Best: trial {best['trial']}" in out
    assert (sweep / "sweep.png").stat().st_size > 10_000
    words = shlex.split(out.splitlines()[-1].partition(": ")[2])
    assert words[:2] == ["python", "train_glint_unet.py"]
    assert {f"--base_channels={best['base_channels']}", "--no_augment", f"--h5={own_copy}"} <= {*words}
    assert "--shared_memory" not in words


EIGHT = ["--set", "loss=quality_focal,focal", "--set", "lr=1e-3,2e-3,4e-3,8e-3", "--parallel", "2"]


def begin(sweep, data):
    """Starts a sweep of eight trials as a user does, in a process of its own."""
    line = [sys.executable, "-m", "glint_unet", "sweep", "--h5", data, "--output_dir", sweep, *EIGHT, *SMALL]
    line += ["--epochs", 4, "--save_every_minutes", 0.001]
    return subprocess.Popen(list(map(str, line)), cwd=ROOT, stdout=subprocess.DEVNULL)


def has_epochs(sweep, epochs):
    """Whether the runs of a sweep have recorded this many epochs."""
    return sum(len(json.loads(path.read_text())) for path in sweep.glob("trial_*/metrics.json")) >= epochs


@pytest.mark.slow
def test_eight_trials_killed_twice_and_finished_by_the_same_command_equal_an_uninterrupted_sweep(own_copy, tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert begin(undisturbed, own_copy).wait() == 0
    for epochs in (10, 21):  # of 32
        process = begin(killed, own_copy)
        wait_until(partial(has_epochs, killed, epochs), process)
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert begin(killed, own_copy).wait() == 0
    assert sum("Resuming after epoch" in log_of(run) for run in killed.glob("trial_*")) >= 2
    times = {"seconds": None}
    assert [row | times for row in table_of(killed)] == [row | times for row in table_of(undisturbed)]
    assert [row["state"] for row in table_of(killed)] == ["complete"] * 8
    for row in table_of(killed):
        assert compare_runs(undisturbed / row["runs"], killed / row["runs"]) == []
