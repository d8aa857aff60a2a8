"""Trainings as jobs, by submitit's local executor, which runs them as processes of this machine."""

import shutil
import signal

import psutil
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


@pytest.fixture
def training(engine, data, tmp_path):
    """Starts an endless training as a job, and returns it after an epoch; with the log of its run."""
    run = tmp_path / "run"

    def start():
        job = engine.start([f"--h5={data}", f"--output_dir={run}", *ENDLESS], tmp_path / "console.txt")
        trains_after("Training starts")
        return job

    def trains_after(beginning):
        wait_until(lambda: (run / "training.log").exists() and beginning in log_of(run))
        wait_until(lambda: "Epoch" in log_of(run).rpartition(beginning)[2])

    return start, trains_after, lambda: log_of(run).splitlines()[-1]


def cancel(job):
    job.stop()
    wait_until(lambda: job.status() is not None)
    assert job.status() in (143, -15)


@pytest.mark.slow
def test_a_cancelled_job_saves_its_run_and_the_next_job_resumes_it(training):
    start, trains_after, last_line = training
    cancel(start())
    wait_until(lambda: "To resume" in last_line())
    again = start()
    trains_after("Resuming after epoch")
    cancel(again)


@pytest.mark.slow
def test_a_job_before_its_time_limit_saves_its_run_and_is_requeued(training):
    start, trains_after, _ = training
    job = start()
    (task,) = psutil.Process(int(job._job.job_id)).children()
    task.send_signal(signal.SIGUSR2)  # as Slurm does before the limit
    trains_after("Resuming after epoch")
    assert job.status() is None
    cancel(job)
