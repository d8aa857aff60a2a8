"""Trainings as jobs, by submitit's local executor, which runs them as processes of this machine."""

import shutil

import pytest

from glint_unet.errors import SettingError
from glint_unet.experiments.sweep_slurm import SubmititEngine
from tests.run_files import log_of
from tests.waiting import wait_until

ENDLESS = ["--epochs=100000", "--base_channels=2", "--device=cpu", "--threads=1", "--lang=en", "--no_progress"]


@pytest.fixture
def engine(tmp_path):
    return SubmititEngine(tmp_path, {"timeout_min": 60}, cluster="local")


def test_a_job_that_is_refused_ends_with_its_status_and_its_line_in_the_console_file(engine, tmp_path):
    job = engine.start(["--h5=none.h5", "--lang=en", "--lr=99"], tmp_path / "console.txt")
    wait_until(lambda: job.status() is not None)
    assert job.status() == 2
    assert "--lr 99" in (tmp_path / "console.txt").read_text()


@pytest.mark.skipif(shutil.which("srun") is not None, reason="this machine has Slurm")
def test_without_slurm_the_engine_is_refused_in_one_line(tmp_path):
    with pytest.raises(SettingError, match="Slurm"):
        SubmititEngine(tmp_path, {})


def test_an_unknown_option_of_the_jobs_is_refused(tmp_path):
    with pytest.raises(SettingError, match="slurm_partitions"):
        SubmititEngine(tmp_path, {"partitions": "gpu"}, cluster="local")


@pytest.mark.slow
def test_a_cancelled_job_saves_its_run_and_a_requeued_one_resumes_it(engine, data, tmp_path):
    run, console = tmp_path / "run", tmp_path / "console.txt"
    flags = [f"--h5={data}", f"--output_dir={run}", *ENDLESS]

    def train_an_epoch(beginning):
        job = engine.start(flags, console)
        wait_until(lambda: (run / "training.log").exists() and beginning in log_of(run))
        wait_until(lambda: "Epoch" in log_of(run).rpartition(beginning)[2])
        job.stop()
        wait_until(lambda: job.status() is not None)
        assert job.status() in (143, -15)
        assert "To resume" in log_of(run).splitlines()[-1]

    train_an_epoch("Training starts")
    train_an_epoch("Resuming after epoch")
