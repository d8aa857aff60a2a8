"""Training processes of this machine."""

from glint_unet.experiments.sweep_engine import LocalEngine
from tests.waiting import wait_until


def test_a_training_that_is_refused_ends_with_its_status_and_its_line_in_the_console_file(tmp_path):
    console = tmp_path / "console.txt"
    process = LocalEngine().start(["--h5=none.h5", "--lang=en", "--lr=99"], console)
    wait_until(lambda: process.status() is not None)
    assert process.status() == 2
    assert "--lr 99" in console.read_text()
    process.stop()


def test_a_training_that_is_stopped_ends(tmp_path):
    process = LocalEngine().start(["--h5=none.h5"], tmp_path / "console.txt")
    process.stop()
    process.stop()
    wait_until(lambda: process.status() is not None)
    assert process.status() != 0
