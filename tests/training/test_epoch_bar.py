"""The progress bar, on a real pseudo-terminal."""

import os
import pty
import re
import subprocess
import termios

from glint_unet.own_command import train_command


def test_the_bar_shows_loss_f1_and_the_remaining_time_of_the_run(data, tmp_path):
    flags = ["--h5", data, "--output_dir", tmp_path / "run", "--epochs", 3, "--batch", 2, "--base_channels", 2]
    words = train_command([*map(str, flags), "--device", "cpu", "--threads", "1", "--lang", "en"])
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, 120))
    every_step = {**os.environ, "TQDM_MININTERVAL": "0"}  # epochs on fast machines are shorter than tqdm's interval
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=theirs, env=every_step)
    os.close(theirs)
    shown = b""
    while part := read(ours):
        shown += part
    os.close(ours)
    assert process.wait() == 0, shown.decode()
    states = re.findall(r"Epoch (\d+)/003: .*?loss=(\S+), F1=(\S+), left=(\w+|\?)", shown.decode())
    assert states
    epoch, loss, f1, left = states[-1]
    assert int(epoch) > 1
    assert float(loss) > 0
    assert 0 <= float(f1) <= 1
    assert re.fullmatch(r"\d+s|\d+m\d+s", left)


def read(descriptor):
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux: the other side has been closed
        return b""
