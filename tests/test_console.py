"""Consoles that cannot display the output, with real processes: the work is completed anyway."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from glint_unet.console import Console, duration, tolerant_console

ROOT = Path(__file__).resolve().parent.parent
ENCODINGS = ["gbk", "latin-1"]
SMALL = ["--epochs", "2", "--base_channels", "2", "--device", "cpu", "--threads", "1", "--output_dir", "run"]
CHINESE = {"GLINT_LANG": "zh"}  # the characters that some consoles lack


def run_shell(program: str, directory: Path, **environment: str) -> "subprocess.CompletedProcess[bytes]":
    """Runs a line of bash in which $PY is Python and $TRAIN, $SHM and $CLI are the commands."""
    words = {
        "PY": sys.executable,
        "TRAIN": f"{sys.executable} {ROOT / 'train_glint_unet.py'}",
        "SHM": f"{sys.executable} {ROOT / 'shm_manager.py'}",
        "CLI": f"{sys.executable} -m glint_unet",
        "PYTHONPATH": str(ROOT),
    }
    ended = {**os.environ, **CHINESE, **words, **environment}
    return subprocess.run(["bash", "-c", program], cwd=directory, env=ended, capture_output=True, check=False)


def epochs_of(run: Path) -> list[int]:
    return [row["epoch"] for row in json.loads((run / "metrics.json").read_text())]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_training_ends_well_on_a_console_of_any_encoding(data, tmp_path, encoding):
    ended = run_shell(f"$TRAIN --h5 {data} {' '.join(SMALL)}", tmp_path, PYTHONIOENCODING=encoding)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert epochs_of(tmp_path / "run") == [1, 2]
    shown = ended.stdout.decode(encoding)
    assert shown.count("Epoch 00") == 2
    assert ("保存最佳模型" in shown) == (encoding == "gbk")
    assert r"\u2705" in shown
    assert "✅ 保存最佳模型" in (tmp_path / "run" / "training.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize(("line", "status"), [("$CLI check {data}", 0), ("$CLI check none.h5", 2), ("$SHM", 2)])
def test_every_command_says_what_it_can_on_a_console_of_any_encoding(data, tmp_path, encoding, line, status):
    ended = run_shell(line.format(data=data), tmp_path, PYTHONIOENCODING=encoding)
    assert ended.returncode == status
    assert len((ended.stdout or ended.stderr).decode(encoding)) > 20
    assert b"Traceback" not in ended.stderr


@pytest.mark.parametrize("console", [">/dev/full 2>&1", ">&- 2>&- <&-", "| head -1"])
def test_training_ends_well_where_nobody_takes_its_output(data, tmp_path, console):
    ended = run_shell(f"set -o pipefail; $TRAIN --h5 {data} {' '.join(SMALL)} {console}", tmp_path)
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert epochs_of(tmp_path / "run") == [1, 2]
    log = (tmp_path / "run" / "training.log").read_text(encoding="utf-8")
    assert "训练完成" in log


@pytest.mark.parametrize(
    ("console", "status", "fragment"),
    [
        (">/dev/full", 1, b"No space left"),
        (">/dev/full 2>&1", 1, b""),
        (">&-", 0, b""),
        (">&- 2>&-", 0, b""),
        ("| true", 141, b""),
    ],
)
def test_a_command_whose_output_is_lost_says_so_by_its_status(data, tmp_path, console, status, fragment):
    for line in (f"$CLI check {data}", "$SHM --list"):
        ended = run_shell(f"set -o pipefail; {line} {console}", tmp_path)
        assert ended.returncode == status
        assert fragment in ended.stderr
        assert ended.stderr.count(b"\n") == (1 if fragment else 0)


def test_help_and_version_are_printed_to_any_console(tmp_path):
    for line in ("$CLI --help", "$CLI --version", "$CLI train --help", "$TRAIN --help"):
        assert run_shell(f"{line} >/dev/full 2>&1", tmp_path).returncode in (0, 1)
        ended = run_shell(line, tmp_path, PYTHONIOENCODING="ascii")
        assert (ended.returncode, ended.stderr) == (0, b"")


@pytest.mark.parametrize("console", ["", ">/dev/full", ">&-", "| true"])
def test_the_logger_as_a_library_never_raises_for_its_console(tmp_path, console):
    program = (
        "from glint_unet import TrainingLogger; log = TrainingLogger('run'); log.log('✅ 好'); log.log('and on')\n"
        "import os; os.path.exists('run/training.log') or 1/0"
    )
    ended = run_shell(f'set -o pipefail; $PY -c "{program}" {console}', tmp_path, PYTHONIOENCODING="ascii")
    assert (ended.returncode, ended.stderr) == (0, b"")
    assert (tmp_path / "run" / "training.log").read_text(encoding="utf-8").count("\n") == 2


def test_a_file_opened_later_never_becomes_the_closed_stdout(tmp_path):
    program = (
        "from glint_unet.cli.exit_status import guarded; import os\n"
        "def command(argv):\n    file = open('precious', 'w'); os.write(1, b'noise'); return 0\n"
        "raise SystemExit(guarded(command, []))"
    )
    assert run_shell(f'$PY -c "{program}" >&- 2>&- <&-', tmp_path).returncode == 0
    assert (tmp_path / "precious").read_bytes() == b""


def test_the_streams_are_as_before_after_the_block(capsys):
    before = sys.stdout, sys.stderr
    with tolerant_console() as out:
        print("seen")
        assert out == before[0]
        assert Console(out).isatty() is False
    assert (sys.stdout, sys.stderr) == before
    assert out.lost is None
    assert capsys.readouterr().out == "seen\n"


def test_a_name_that_is_no_text_of_the_locale_is_trained_on_and_logged(data, tmp_path):
    """Directories made on other machines: bytes that are no UTF-8."""
    name = os.fsencode(tmp_path) + b"/d\xe9j\xe0"
    Path(os.fsdecode(name)).mkdir()
    (Path(os.fsdecode(name)) / "eyes.h5").write_bytes(data.read_bytes())
    for number, line in enumerate(("$TRAIN --h5 $F/eyes.h5 " + " ".join(SMALL), "$TRAIN --resume run --epochs 3")):
        ended = run_shell(line, tmp_path, F=os.fsdecode(name))
        assert (ended.returncode, ended.stderr) == (0, b""), number
    assert epochs_of(tmp_path / "run") == [1, 2, 3]
    assert r"d\udce9j\udce0" in (tmp_path / "run" / "training.log").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0s"), (59, "59s"), (60, "1m00s"), (7500, "2h05m"), (100_000, "1d03h"), (8640000, "100d00h")],
)
def test_a_duration_has_two_units_at_most(seconds, words):
    assert duration(seconds) == words
