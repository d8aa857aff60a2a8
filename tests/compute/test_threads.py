"""How many CPU threads are used, and when there are fewer."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch

from glint_unet.compute import threads
from glint_unet.compute.threads import CpuWatch, Threads, choose_threads
from glint_unet.runs.checkpoint import Checkpoint
from tests.run_files import log_of

ROOT = Path(__file__).resolve().parents[2]

on_linux = pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="CPU affinity is set on Linux alone")


@pytest.fixture
def one_cpu():
    """All threads that this one starts share one CPU."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    yield
    os.sched_setaffinity(0, before)


def test_a_number_that_is_given_is_used():
    assert choose_threads(3).num == 3
    assert choose_threads(3, num_processes=2).num == 3
    assert choose_threads(3).describe() == "CPU threads: 3 (setting of the run)"


@pytest.mark.parametrize(("value", "num"), [("5", 5), ("4,2", 4), ("0", 1)])
def test_the_number_of_the_environment_is_used(monkeypatch, value, num):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    assert choose_threads().num == num
    assert choose_threads().describe() == f"CPU threads: {num} (OMP_NUM_THREADS)"
    assert choose_threads(2).num == 2


@on_linux
@pytest.mark.parametrize("value", ["", "x"])
def test_programs_that_share_a_cpu_do_not_get_a_thread_each(monkeypatch, one_cpu, value):
    monkeypatch.setenv("OMP_NUM_THREADS", value)
    monkeypatch.setattr(threads, "_TORCH_THREADS", 3)
    chosen = choose_threads()
    assert chosen == Threads(1, "measured", 3, chosen.available)
    assert 0 < chosen.available < 1.2
    assert chosen.describe().startswith("CPU threads: 1 (")


def test_no_more_threads_than_pytorch_would_take_are_divided_among_processes(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(threads, "_LOST_CPUS", 9.0)  # as if all CPUs were idle
    monkeypatch.setattr(threads, "_TORCH_THREADS", 4)
    assert [choose_threads(0, num_processes).num for num_processes in (1, 2, 3, 9)] == [4, 2, 1, 1]


@on_linux
def test_threads_that_wait_for_a_cpu_are_too_many(monkeypatch, one_cpu):
    monkeypatch.setattr(threads, "WATCHED_S", 0.2)
    ended = threading.Event()
    work = torch.ones(10_000)

    def compute():
        while not ended.is_set():
            work.sin()

    busy = [threading.Thread(target=compute) for _ in range(3)]
    for thread in busy:
        thread.start()
    watch = CpuWatch(3)
    time.sleep(0.5)
    fitting = watch.fitting()
    ended.set()
    for thread in busy:
        thread.join()
    assert fitting == 1


def test_nothing_is_said_of_a_time_that_has_not_passed(monkeypatch):
    monkeypatch.setattr(threads, "WATCHED_S", 1e9)
    assert CpuWatch(3).fitting() == 3


PROGRAM = """
import os, sys
from glint_unet.compute import threads
threads._TORCH_THREADS, threads._LOST_CPUS, threads.WATCHED_S = 2, 9.0, 0.1  # as if both CPUs were idle at the start
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from glint_unet.training.loop import train
from tests.run_files import settings
train(settings(sys.argv[1], sys.argv[2], threads=int(sys.argv[3]), epochs=1, batch=6))
"""


def train_on_one_cpu(data, run, num_threads):
    words = [sys.executable, "-c", PROGRAM, str(data), str(run), str(num_threads)]
    environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
    subprocess.run(words, cwd=ROOT, env={**environment, "PYTHONPATH": str(ROOT)}, check=True, capture_output=True)
    return Checkpoint.read(run / "latest_checkpoint.pth").config.threads


@on_linux
def test_threads_that_were_chosen_become_fewer_where_cpus_are_taken(data, tmp_path):
    assert train_on_one_cpu(data, tmp_path / "run", 0) == 1
    assert "2 threads reduced to 1" in log_of(tmp_path / "run")


@on_linux
@pytest.mark.slow  # two threads on one CPU
def test_a_number_that_was_given_is_kept_where_cpus_are_taken_and_the_log_says_what_helps(data, tmp_path):
    assert train_on_one_cpu(data, tmp_path / "run", 2) == 2
    hint = "2 threads wait for each other; stopping and resuming with --threads 1 is faster"
    assert log_of(tmp_path / "run").count(hint) == 1
