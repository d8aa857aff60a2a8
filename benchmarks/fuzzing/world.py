"""Where the fuzzer's cases run: a directory with everything that they read, and chance."""

import contextlib
import dataclasses
import io
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from glint_unet.cli.main import main
from glint_unet.data import shared_cache
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic

NUM_LEDS, STEMS = 3, ("a", "b", "c")
ODD = (
    "",
    " ",
    "nan",
    "inf",
    "-inf",
    "1e400",
    "-1",
    "0.5",
    "99999999999999999999",
    "0x10",
    "½",
    "日本",
    "a\nb",
    "'",
    "-",
)


FULL = "/dev/full"


class WrongError(Exception):
    """A case whose outcome is not allowed."""


@dataclasses.dataclass
class World:
    """The directory that cases work in, and chance."""

    root: Path
    rng: random.Random

    def choose(self, *values: Any) -> Any:
        return self.rng.choice(values)


def build(root: Path) -> None:
    """Everything that the cases read: a data set, a run of one epoch, images, annotations, broken files."""
    list(
        write_synthetic(
            root / "eyes.h5", Rig.ring(NUM_LEDS, image_size=(32, 32), stride=2, level="easy"), num=8, seed=5
        )
    )
    (root / "rig.toml").write_text(
        "[leds]\nnumber=3\n[image]\nsize=32\nstride=2\n[scene]\nlevel='easy'\n[stream]\nimages=8\nvalidation=2\n"
    )
    small = ("--epochs", "1", "--base_channels", "2", "--no_progress", "--threads", "1", "--device", "cpu")
    training = [
        *("train", "--h5", str(root / "eyes.h5"), "--output_dir", str(root / "run")),
        *small,
        "--save_freq",
        "1",
    ]
    with contextlib.redirect_stdout(io.StringIO()):
        assert main(training) == 0
    for name in ("images", "labelme", "directory", "日本 x"):
        (root / name).mkdir()
    for stem in STEMS:
        Image.fromarray(np.random.default_rng(0).integers(0, 255, (32, 32), np.uint8)).save(root / f"images/{stem}.png")
    for name in ("broken.h5", "broken.pth"):
        (root / name).write_bytes(b"\x89HDF\r\n\x1a\n" + b"x" * 100)
    (root / "empty").touch()
    (root / "loop").symlink_to("loop")


def run_command(words: list[str], console: str) -> tuple[int, str]:
    """(status, stderr) of a command on a console of an encoding, or on /dev/full."""
    stdout: Any = io.BufferedWriter(io.FileIO(FULL, "w")) if console == FULL else io.BytesIO()
    out = io.TextIOWrapper(stdout, encoding="utf-8" if console == FULL else console)
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = main(words)
        except SystemExit as ending:  # --help
            status = int(ending.code or 0)
        out.flush()
    out.close()
    err.flush()
    return status, err.buffer.getvalue().decode()


@contextlib.contextmanager
def at_home_in(root: Path) -> Iterator[None]:
    """The directory as working directory, home and shared memory; the rest of the machine is left alone."""
    before, shm, home = Path.cwd(), shared_cache.SHARED_MEMORY_ROOT, os.environ.get("HOME")
    (root / "shm").mkdir()
    os.environ["HOME"], shared_cache.SHARED_MEMORY_ROOT = str(root), root / "shm"
    os.chdir(root)
    try:
        yield
    finally:
        os.chdir(before)
        shared_cache.SHARED_MEMORY_ROOT = shm
        if home is not None:
            os.environ["HOME"] = home


def described(error: BaseException) -> str:
    where = error.__traceback__
    while where is not None and where.tb_next is not None:
        where = where.tb_next
    place = "" if where is None else f" at {Path(where.tb_frame.f_code.co_filename).name}:{where.tb_lineno}"
    return str(error)[:500] if isinstance(error, WrongError) else f"{type(error).__name__}: {str(error)[:200]!r}{place}"
