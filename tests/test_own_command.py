"""The command that resumes a run, as a user pastes it into a shell."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from glint_unet.compute.stop_signals import Interrupted
from glint_unet.own_command import resume_command, train_command
from glint_unet.training import loop
from glint_unet.training.loop import train
from glint_unet.training.step import train_step
from tests.conftest import ROOT
from tests.run_files import log_of, settings


@pytest.mark.parametrize("name", ["run", "my runs/first", "it's", "a$b;c", "*"])
def test_the_command_is_quoted_for_the_shell(name):
    assert shlex.split(resume_command(Path(name))) == ["python", "train_glint_unet.py", "--resume", name]


def test_an_installed_package_names_its_own_command(tmp_path):
    shutil.copytree(ROOT / "glint_unet", tmp_path / "site/glint_unet", ignore=shutil.ignore_patterns("__pycache__"))
    program = (
        "from pathlib import Path\nfrom glint_unet.own_command import resume_command\n"
        "print(resume_command(Path('my runs/first')))"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site")}
    words = [sys.executable, "-c", program]
    ended = subprocess.run(words, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert ended.stdout == "glint-unet train --resume 'my runs/first'\n"


def test_a_run_that_a_signal_ends_says_how_to_go_on(data, tmp_path, monkeypatch):
    run = tmp_path / "my runs" / "first"

    def stopping(*arguments):
        os.kill(os.getpid(), signal.SIGTERM)
        return train_step(*arguments)

    monkeypatch.setattr(loop, "train_step", stopping)
    with pytest.raises(Interrupted):
        train(settings(data, run))
    assert f"To resume: python train_glint_unet.py --resume '{run}'\n" in log_of(run)
    assert "(epochs completed: 0)" in log_of(run)


def test_the_command_for_processes_of_its_own_works_in_any_directory(tmp_path):
    ended = subprocess.run(train_command(["--help"]), cwd=tmp_path, check=False, capture_output=True, text=True)
    assert ended.returncode == 0
    assert "--h5" in ended.stdout
