"""How commands end: one line and a status for mistakes, and for memory that is full."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from glint_unet.cli.exit_status import guarded
from glint_unet.errors import DatasetError


@pytest.mark.parametrize("status", [0, 1, 75])
def test_the_status_of_a_command_is_the_programs(status):
    assert guarded(lambda _: status, []) == status


def test_a_mistake_of_the_users_is_its_line_and_status_2(capsys):
    def command(argv):
        raise DatasetError("dataset_missing_file", path="eyes.h5")

    assert guarded(command, ["--lang", "en"]) == 2
    assert capsys.readouterr().err == f"{DatasetError('dataset_missing_file', path='eyes.h5')}\n"


def test_a_path_that_the_system_refuses_is_named(capsys):
    assert guarded(lambda _: len(Path("/proc/self/mem/x").read_text()), ["--lang", "en"]) == 2
    assert "/proc/self/mem/x" in capsys.readouterr().err


def test_ctrl_c_is_128_and_the_signals_number():
    def command(argv):
        raise KeyboardInterrupt

    assert guarded(command, []) == 130


def test_a_training_that_the_memory_does_not_hold_ends_in_one_line(data, tmp_path):
    two_gib = 2 * 2**30
    words = ["--h5", data, "--output_dir", tmp_path / "run", "--base_channels", "512", "--threads", "1", "--lang", "en"]
    done = subprocess.run(
        [sys.executable, Path(__file__).parents[2] / "train_glint_unet.py", *words],
        capture_output=True,
        text=True,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (two_gib, two_gib)),
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Out of memory: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("error", [torch.OutOfMemoryError("CUDA out of memory. Tried to"), MemoryError()])
def test_memory_of_any_kind_that_is_full_is_one_line(error, capsys):
    def command(argv):
        raise error

    assert guarded(command, []) == 2
    assert "--batch" in capsys.readouterr().err


def test_another_error_of_torch_stays_a_traceback():
    def command(argv):
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError, match="a bug"):
        guarded(command, [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["predict", "--run", "{run}", "--input", "{h5}", "--out", "/proc/glints.csv"], "choose another --out or"),
        (["evaluate", "--run", "{run}", "--h5", "{h5}", "--json=/proc/e.json"], "choose another --json or"),
        (["export", "--run", "{run}", "--out", "/proc/m.safetensors"], "choose another --out or"),
        (["export", "--run", "{run}", "--out", "/proc/m.pt2"], "choose another --out or"),
        (["export", "--run", "{run}", "--out", "/proc/m.onnx"], "choose another --out or"),
        (["synth", "/proc/eyes.h5", "--num", "4", "--size", "32"], "choose another path or"),
        (["train", "--h5", "{h5}", "--output_dir", "/proc/run"], "choose another --output_dir or"),
    ],
)
def test_a_file_that_cannot_be_written_is_named_with_the_flag_that_named_it(command, eyes_run, eyes_h5, words, said):
    status, _, err = command(*(word.format(run=eyes_run, h5=eyes_h5) for word in words), "--lang", "en")
    assert (status, err.count("\n")) == (2, 1), err
    assert "/proc/" in err
    assert said in err


def test_the_default_run_directory_that_cannot_be_made_is_named_with_its_flag(command, data, monkeypatch):
    monkeypatch.chdir("/proc")
    status, _, err = command("train", "--h5", data, "--lang", "en")
    assert (status, err.count("\n")) == (2, 1), err
    assert "choose another --output_dir or" in err
