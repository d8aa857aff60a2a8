"""What the log says about the set-up of a run; on short runs: test_schedule.py."""

import h5py
import numpy as np
import pytest

from glint_unet.training.loop import train
from tests.run_files import settings


@pytest.mark.parametrize("is_ring", [True, False])
def test_annotations_without_a_common_layout_are_pointed_out(tmp_path, is_ring):
    rng = np.random.default_rng(0)
    keypoints = rng.uniform(4, 28, (24, 4, 2))
    if is_ring:
        keypoints = rng.uniform(10, 22, (24, 1, 2)) + np.array([[0, -8], [8, 0], [0, 8], [-8, 0]])
    with h5py.File(tmp_path / "eyes.h5", "w") as file:
        file["images"] = rng.integers(0, 255, (24, 32, 32)).astype(np.uint8)
        file["keypoints"] = keypoints.astype(np.float32)
    train(settings(tmp_path / "eyes.h5", tmp_path / "run", epochs=1))
    log = (tmp_path / "run/training.log").read_text()
    assert ("show no common layout of the 4 LEDs" in log) == (not is_ring)
