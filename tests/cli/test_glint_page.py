"""What `predict` prints and draws without `--out`, with the pretrained weights and with a run."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.inference.predictor import GlintDetector

ROOT = Path(__file__).resolve().parent.parent.parent
EN = ("--lang", "en")


@pytest.fixture(scope="module")
def eye(tmp_path_factory):
    """A drawn eye of six LEDs of which the pretrained weights see at least four."""
    images, _ = render_eyes(Rig.ring(6, image_size=(128, 128), level="easy"), 41, range(8))
    best = int(GlintDetector.load()(images).present.sum(axis=1).argmax())
    path = tmp_path_factory.mktemp("eye") / "eye.png"
    Image.fromarray(images[best]).save(path)
    return path


@pytest.fixture
def alone(eye, tmp_path):
    """A copy of the eye in a folder of its own."""
    path = tmp_path / "images" / "eye.png"
    path.parent.mkdir()
    path.write_bytes(eye.read_bytes())
    return path


def test_one_word_is_enough_for_a_picture_and_a_page(command, alone):
    status, out, err = command("predict", "--input", alone, *EN)
    assert (status, err) == (0, "")
    glints = GlintDetector.load()(alone)
    num = int(glints.present.sum())
    lines = out.splitlines()
    assert lines[0].startswith(f"{alone}, 128x128 pixels: {num} glints (score at least 0.")
    assert lines[1].split() == ["glint", "x", "y", "±px", "score"]
    assert [line.split()[0] for line in lines[2 : 2 + num]] == [f"glint{k + 1}" for k in range(num)]
    assert float(lines[2].split()[1]) == pytest.approx(glints.points[0, 0, 0], abs=0.01)
    assert f"Picture: {alone.parent / 'eye_glints.png'}" in lines
    assert "--rig" in out
    assert "MODEL_CARD.md" in out
    assert len(lines) < 25
    with Image.open(alone.parent / "eye_glints.png") as picture:
        drawn = np.asarray(picture)
    assert drawn.shape == (512, 512, 3)
    assert (drawn.max(axis=-1) > drawn.min(axis=-1)).any()  # coloured crosses
    status, _, err = command("predict", "--input", alone, *EN)
    assert status == 2
    assert "eye_glints.png already exists" in err


def test_a_rig_file_puts_the_names_of_the_leds_on_the_page(command, alone, tmp_path):
    (tmp_path / "rig.toml").write_text("[leds]\nnumber = 6\nsize = [0.3, 0.5]\n")
    picture = tmp_path / "named.png"
    status, out, err = command("predict", "--input", alone, "--rig", tmp_path / "rig.toml", "--overlay", picture, *EN)
    assert (status, err) == (0, "")
    names = [line.split()[0] for line in out.splitlines()[2:] if line.startswith("  g")]
    assert len(names) >= 4
    assert set(names) <= {f"g{k}" for k in range(1, 7)}
    assert "not known yet" not in out
    assert picture.exists()


def test_a_folder_and_a_black_image(command, alone):
    Image.fromarray(np.zeros((128, 128), np.uint8)).save(alone.parent / "black.png")
    status, out, _ = command("predict", "--input", alone.parent / "black.png", *EN)
    assert status == 0
    assert "black.png, 128x128 pixels: 0 glints" in out
    assert "No glints were found" in out
    (alone.parent / "black_glints.png").unlink()
    status, out, _ = command("predict", "--input", alone.parent, *EN)
    assert status == 0
    assert out.startswith("2 frames, ")
    assert "1 without any" in out.replace("frames without", "without")
    folder = alone.parent.parent / "images_glints"
    assert sorted(path.name for path in folder.iterdir()) == ["black.png", "eye.png"]


def test_a_run_is_described_without_the_pretrained_weights(command, eyes_run, eyes_frames, tmp_path):
    Image.fromarray(eyes_frames[0]).save(tmp_path / "a.png")
    status, out, _ = command("predict", "--input", tmp_path / "a.png", "--run", eyes_run)
    assert status == 0
    assert " glints (score" in out
    assert "MODEL_CARD" not in out
    assert (tmp_path / "a_glints.png").exists()


def test_no_optional_package_is_needed(alone):
    """In a separate process: Python with the required packages only."""
    program = (
        "import sys; sys.modules.update(dict.fromkeys(['cv2', 'onnx', 'onnxscript', 'onnxruntime', 'pyarrow'])); "
        "from glint_unet.cli.main import main; sys.exit(main())"
    )
    words = [sys.executable, "-c", program, "predict", "--input", alone, *EN]
    ended = subprocess.run(list(map(str, words)), cwd=ROOT, capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert (alone.parent / "eye_glints.png").exists()
