"""Fixtures: one small synthetic data set, and the commands run as a user runs them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from glint_unet.cli.main import main
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.messages import set_language

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
SIZE, HEATMAP_SIZE, NUM_LEDS, NUM_IMAGES = 32, 16, 3, 20

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home of the tests' own, so that no test reads or writes the user's cache directory."""
    directory = tmp_path_factory.mktemp("home")
    before = os.environ.get("HOME")
    os.environ["HOME"] = str(directory)
    yield directory
    if before is not None:
        os.environ["HOME"] = before


@pytest.fixture(autouse=True)
def language() -> None:
    """Every test begins with English messages; the commands themselves begin with Chinese."""
    set_language("en")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 synthetic eyes of 32x32 with 3 LEDs and heatmaps of stride 2; not to be written to."""
    path = tmp_path_factory.mktemp("data") / "eyes.h5"
    rig = Rig.ring(NUM_LEDS, image_size=(SIZE, SIZE), stride=SIZE // HEATMAP_SIZE, level="easy")
    made = list(write_synthetic(path, rig, num=NUM_IMAGES, seed=5))
    assert made == [NUM_IMAGES]
    return path


@pytest.fixture
def private_data(data: Path, tmp_path: Path) -> Path:
    """A copy of `data` with a content of its own, so that its shared copies belong to this test alone."""
    path = tmp_path / "private.h5"
    path.write_bytes(data.read_bytes())
    with h5py.File(path, "r+") as file:
        file["images"][0, 0, :] = np.random.default_rng().integers(0, 255, SIZE)
        file.attrs["test"] = str(tmp_path)
    return path


@pytest.fixture
def shm_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for /dev/shm, on the same kind of file system, for tests inside this process."""
    root = tmp_path / "shm"
    root.mkdir()
    monkeypatch.setattr("glint_unet.data.shared_cache.SHARED_MEMORY_ROOT", root)
    return root


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Runs `glint-unet ...` in this process: (status, stdout, stderr)."""

    def run(*argv: object) -> tuple[int, str, str]:
        capsys.readouterr()
        status = main([str(word) for word in argv])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def script(tmp_path: Path) -> Run:
    """Runs `python SCRIPT.py ...` of the repository as a user does, in an empty directory."""

    def run(name: str, *argv: object, **options: object) -> subprocess.CompletedProcess[str]:
        words = [sys.executable, str(ROOT / name), *map(str, argv)]
        kept = {"cwd": tmp_path, "capture_output": True, "text": True, "timeout": 200} | options
        return subprocess.run(words, check=False, **kept)  # type: ignore[call-overload,no-any-return]

    return run


@pytest.fixture(scope="session")
def real_recording() -> Path:
    """The real annotated recording beside the checkout."""
    path = SHARED / "real" / "human_one_led"
    if not path.is_dir():
        pytest.skip(f"the real recording is not here: {path}")
    return path


@pytest.fixture(scope="session")
def shared_hostile() -> Path:
    """HDF5 files that crash or stall the library."""
    path = SHARED / "hostile"
    if not path.is_dir():
        pytest.skip(f"the hostile files are not here: {path}")
    return path
