"""How one of several processes ends; what they do together is in tests/system/test_several_processes.py."""

import subprocess
import sys

import pytest

PROGRAM = """
import atexit, sys
from glint_unet.cli.launch import leave_at_once
atexit.register(print, "the interpreter took itself down")
def command(argv):
    print("done", end="")
    {ending}
leave_at_once(command, [])
"""


@pytest.mark.parametrize(
    ("ending", "status", "err"),
    [("return 0", 0, ""), ("return 75", 75, ""), ("raise AssertionError('a bug of ours')", 1, "a bug of ours")],
)
def test_a_process_ends_at_once_with_its_status_and_loses_no_output(ending, status, err):
    words = [sys.executable, "-c", PROGRAM.format(ending=ending)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (status, "done")
    assert err in done.stderr
