"""The images that the annotation files of `tests.annotation_files` are about."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.annotation_files import SIZE, TRUTH


@pytest.fixture
def images(tmp_path: Path) -> Path:
    directory = tmp_path / "images"
    directory.mkdir()
    for name in TRUTH:
        Image.fromarray(np.zeros(SIZE, np.uint8)).save(directory / f"{name}.png")
    return directory
