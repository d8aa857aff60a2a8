"""Each examination of `glint-unet doctor`, by values of machines that are not here."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from glint_unet.cli.machine_checks import (
    available_memory,
    directory_findings,
    gpu_finding,
    memory_finding,
    packages_finding,
    shared_memory_finding,
    threads_finding,
)

MB, GB = 2**20, 2**30


def test_packages_that_are_missing_or_too_old_are_errors_with_the_command_that_installs_them():
    finding = packages_finding([("torch<3,>=2.10", "2.4.0"), ("h5py>=3.10", None), ("numpy>=1.26", "2.0")])
    assert finding.status == "error"
    assert "torch<3,>=2.10 (2.4.0), h5py>=3.10 (not installed)" in finding.found
    assert "numpy" not in finding.found
    assert "pip install" in finding.advice
    assert packages_finding([("torch<3,>=2.10", "2.13.0+cu126")]).status == "ok"


@pytest.mark.parametrize(
    ("gpus", "cuda", "usable", "status", "said"),
    [
        ([], None, 0, "note", "computing on the CPU"),
        (["A100"], "12.6", 1, "ok", "1 GPU(s) available: A100 (CUDA 12.6)"),
        (["A100"], None, 0, "warning", "build for the CPU only"),
        (["A100"], "13.0", 0, "warning", "driver version 470"),
    ],
)
def test_a_gpu_that_pytorch_cannot_use_is_a_warning_with_the_reason(gpus, cuda, usable, status, said):
    finding = gpu_finding(gpus, "470" if gpus else "", cuda, usable)
    assert finding.status == status
    assert said in finding.found
    assert bool(finding.advice) == (status == "warning")


@pytest.mark.parametrize(
    ("total", "free", "status", "advice"),
    [
        (64 * MB, 64 * MB, "warning", "--shm-size"),
        (8 * GB, 100 * MB, "warning", "--cleanup_all"),
        (8 * GB, 7 * GB, "ok", ""),
        (0, 0, "warning", "mount /dev/shm"),
    ],
)
def test_shared_memory_of_a_container_full_or_missing_is_a_warning(total, free, status, advice):
    finding = shared_memory_finding(total, free, "/dev/shm")
    assert finding.status == status
    assert advice in finding.advice
    assert bool(finding.advice) == bool(advice)


def test_threads_on_a_busy_machine_and_more_threads_than_cpus_are_warnings():
    assert threads_finding(1, 0.9, 4, given=False).status == "warning"
    assert threads_finding(4, 3.9, 4, given=False).status == "ok"
    assert threads_finding(64, 64, 4, given=True).status == "warning"
    assert "at most 4" in threads_finding(64, 64, 4, given=True).advice
    assert threads_finding(1, 1, 4, given=True).status == "ok"


def test_little_memory_is_a_warning_and_the_available_memory_is_that_of_the_machine_or_less():
    assert memory_finding(GB).status == "warning"
    assert memory_finding(8 * GB).status == "ok"
    assert 0 < available_memory() < 2**50


def test_a_directory_that_is_not_writable_is_an_error(tmp_path):
    (tmp_path / ".probe").mkdir()  # refuses the file of that name even to root
    (finding,) = directory_findings(tmp_path)
    assert finding.status == "error"
    assert "--output_dir" in finding.advice


def test_without_a_pytorch_that_loads_the_rest_is_examined(tmp_path):
    """In a process of its own, whose torch is a package that does not load."""
    (tmp_path / "torch.py").write_text("raise OSError('libcudart.so.12: cannot open shared object file')\n")
    words = [sys.executable, "-m", "glint_unet", "doctor", "--directory", str(tmp_path)]
    root = Path(__file__).resolve().parent.parent.parent
    ended = subprocess.run(
        words,
        cwd=root,
        env=os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 1
    assert "torch cannot be imported: libcudart.so.12" in ended.stdout
    assert "File locks work" in ended.stdout
    assert ended.stderr == ""
