"""A run of a trial as seen from outside: its progress, best epoch and end."""

import json
import signal
import subprocess
import sys

import pytest

from glint_unet.experiments.sweep_engine import LocalProcess
from glint_unet.experiments.sweep_trial import Trial, TrialRun
from glint_unet.files import FileLock


@pytest.fixture
def run(tmp_path):
    return TrialRun(tmp_path, 0)


def ended(run, program):
    process = subprocess.Popen([sys.executable, "-c", program])
    process.wait()
    run.process, run.state = LocalProcess(process), "running"
    assert run.has_ended()
    return run.state


def row(epoch, f1, total=1.0):
    return {"epoch": epoch, "val": {"f1": f1, "total": total}, "epoch_time": 2.0}


def test_the_best_epoch_is_the_one_that_training_saves(run):
    values = [row(1, 0.5), row(2, 0.9, total=3.0), row(3, 0.9, total=2.0), row(4, None), row(5, 0.95, total=None)]
    (run.path / "metrics.json").write_text(json.dumps(values))
    run.update()
    assert run.best("f1") == (3, 0.9)
    assert run.best("px_error") is None
    assert (run.num_epochs, run.epoch_s) == (5, 2.0)


@pytest.mark.parametrize("content", [None, "{", "3", "[{}]", "[]"])
def test_a_file_that_is_missing_or_damaged_says_nothing(run, content):
    if content is not None:
        (run.path / "metrics.json").write_text(content)
    run.update()
    assert (run.rows, run.best("f1"), run.epoch_s) == ([], None, None)


@pytest.mark.parametrize(
    ("program", "state"),
    [
        ("", "done"),
        ("import sys; sys.exit(2)", "failed"),
        (f"import sys; sys.exit(128 + {int(signal.SIGTERM)})", "interrupted"),
        (f"import os; os.kill(os.getpid(), {int(signal.SIGTERM)})", "interrupted"),
        (f"import os; os.kill(os.getpid(), {int(signal.SIGKILL)})", "failed"),
    ],
)
def test_how_a_process_ended(run, program, state):
    assert ended(run, program) == state


def test_the_reason_of_a_failure_is_its_last_lines_or_what_killed_it(run, tmp_path):
    console = tmp_path / "console.txt"
    assert ended(run, "import sys; sys.exit(3)") == "failed"
    assert run.reason(console) == "exit status 3"
    console.write_bytes(b"one\n\ntwo\nthree \xff\n four\n")
    assert run.reason(console) == "two | three \ufffd | four"
    assert ended(run, f"import os; os.kill(os.getpid(), {int(signal.SIGSEGV)})") == "failed"
    assert run.reason(console).startswith("killed by SIGSEGV")


def test_a_directory_is_used_elsewhere_while_its_lock_is_held(run):
    assert not run.is_used_elsewhere()
    with FileLock(run.path / ".run.lock", create=True):
        assert run.is_used_elsewhere()
        assert Trial(0, {}, 3, [run]).next_run() is None
    assert Trial(0, {}, 3, [run]).next_run() is run


def test_a_trial_with_a_failed_seed_starts_no_further_one(tmp_path):
    runs = [TrialRun(tmp_path / str(seed), seed) for seed in range(3)]
    trial = Trial(0, {}, 3, runs)
    runs[0].state, runs[1].state = "failed", "running"
    assert trial.next_run() is None
    assert not trial.is_over()
    runs[1].state = "done"
    assert trial.is_over()
