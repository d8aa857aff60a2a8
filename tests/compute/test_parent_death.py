"""Children end with their parent, however that ends."""

import signal
import subprocess
import sys

from glint_unet.own_command import python_command
from tests.waiting import wait_until

CHILD = """
import os, signal, sys, time
from glint_unet.compute.parent_death import stop_with_parent
signal.signal(signal.SIGTERM, lambda *_: (print("stopped", flush=True), os._exit(0)))
stop_with_parent(int(sys.argv[1]) if len(sys.argv) > 1 else os.getppid())
print("ready", flush=True)
while True:
    time.sleep(0.01)
"""
PARENT = "import subprocess, sys, time; subprocess.Popen(sys.argv[1:]); time.sleep(1000)"


def test_a_child_of_a_killed_parent_is_stopped_softly(tmp_path):
    output = tmp_path / "output.txt"
    child = python_command(f"exec({CHILD!r})")
    with output.open("wb") as file:
        parent = subprocess.Popen([sys.executable, "-c", PARENT, *child], stdout=file)
    wait_until(lambda: b"ready" in output.read_bytes(), parent)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_until(lambda: b"stopped" in output.read_bytes())
    assert output.read_bytes() == b"ready\nstopped\n"


def test_a_child_whose_parent_has_died_already_is_stopped_at_once():
    words = [*python_command(f"exec({CHILD!r})"), "1"]
    ended = subprocess.run(words, capture_output=True, check=True)
    assert ended.stdout == b"stopped\n"
