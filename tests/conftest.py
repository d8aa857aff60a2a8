"""Fixtures: one small synthetic data set, and the commands run as a user runs them."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from glint_unet.cli.main import main
from glint_unet.config import TrainConfig
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.messages import set_language
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.training.loop import train
from tests.browser import chromium
from tests.run_files import settings

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


@pytest.fixture(scope="session", autouse=True)
def environment() -> Iterator[None]:
    """Commands speak English here and use one thread, whatever the locale and the load of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLINT_LANG", "en")
        patch.setenv("OMP_NUM_THREADS", "1")
        yield


@pytest.fixture(autouse=True)
def language() -> None:
    """Every test begins with English messages, whatever language an earlier one has set."""
    set_language("en")


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """20 synthetic eyes of 32x32 with 3 LEDs and heatmaps of stride 2; not to be written to."""
    path = tmp_path_factory.mktemp("data") / "eyes.h5"
    rig = Rig.ring(NUM_LEDS, image_size=(SIZE, SIZE), stride=SIZE // HEATMAP_SIZE, level="easy")
    made = list(write_synthetic(path, rig, num=NUM_IMAGES, seed=5))
    assert made == [NUM_IMAGES]
    return path


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """A Playwright browser for all tests of a process: a second one beside it cannot be started."""
    with chromium() as started:
        yield started


EYES = Rig.ring(2, image_size=(48, 64), stride=2, level="easy")


@pytest.fixture(scope="session")
def eyes_h5(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 synthetic eyes of 48x64 with 2 LEDs, which `eyes_run` is trained on."""
    path = tmp_path_factory.mktemp("eyes") / "eyes.h5"
    list(write_synthetic(path, EYES, num=60, seed=1))
    return path


@pytest.fixture(scope="session")
def eyes_run(eyes_h5: Path) -> Path:
    """A run that finds the glints of such eyes."""
    path = eyes_h5.parent / "run"
    small: dict[str, Any] = {"base_channels": 4, "epochs": 14, "warmup_steps": 5}
    train(TrainConfig(h5=str(eyes_h5), output_dir=str(path), progress=False, lang="en", device="cpu", **small))
    return path


@pytest.fixture(scope="session")
def eyes_frames() -> NDArray[np.uint8]:
    """(40, 48, 64) uint8: eyes that `eyes_run` has not seen."""
    return render_eyes(EYES, 2, range(40))[0]


@pytest.fixture(scope="session")
def eyes_video(eyes_frames: NDArray[np.uint8], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`eyes_frames` at 25 frames/s."""
    path = tmp_path_factory.mktemp("video") / "eye.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (64, 48))
    for frame in eyes_frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    writer.release()
    return path


@pytest.fixture(scope="session")
def eyes_onnx(eyes_run: Path) -> Path:
    """`eyes_run` exported by the command."""
    path = eyes_run.parent / "model.onnx"
    words = [sys.executable, "-m", "glint_unet", "export", "--run", eyes_run, "--out", path, "--lang", "en"]
    ended = subprocess.run(list(map(str, words)), cwd=ROOT, check=True, capture_output=True, text=True)
    assert "maximum difference" in ended.stdout
    assert "instead" not in ended.stdout
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
        kept = {"cwd": tmp_path, "capture_output": True, "text": True} | options
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


@pytest.fixture(scope="session")
def finished(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of four epochs that nothing interrupted; not to be written to."""
    run = tmp_path_factory.mktemp("finished") / "run"
    train(settings(data, run, epochs=4))
    return run


@pytest.fixture(scope="session")
def four_epochs(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same run with all four numbered checkpoints, each epoch better than the one before; not to be written to."""
    run = tmp_path_factory.mktemp("four_epochs") / "run"
    train(settings(data, run, epochs=4, keep_last_n=9))
    assert read_checkpoint(run / "best_model.pth")["epoch"] == 4
    return run
