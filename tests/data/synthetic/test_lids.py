import dataclasses

import numpy as np
import pytest

from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.lids import add_tear_line, lid_cover, lid_edges
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_scene


@pytest.fixture
def scene():
    return sample_scene(np.random.default_rng(0), Rig.ring(4), LEVELS["easy"])


def test_closed_lids_cover_the_eye_and_open_ones_show_it(scene):
    closed = lid_cover(dataclasses.replace(scene, openness=0.0), (256, 256), 1.0)
    wide = lid_cover(dataclasses.replace(scene, openness=1.0), (256, 256), 1.0)
    assert closed.min() > 0.9
    x, y = (round(float(v)) for v in scene.eye)
    assert wide[y, x] == 0
    assert wide[0].min() == 1


def test_the_lids_meet_in_the_corners_of_the_eye(scene):
    upper, lower = lid_edges(scene, scene.eye[0] + np.array([-108.0, 0.0, 108.0]) * scene.unit)
    assert (lower - upper)[[0, 2]] == pytest.approx([0, 0], abs=1e-6)
    assert (lower - upper)[1] > 10


def test_the_tear_line_brightens_the_lower_lids_edge(scene):
    for k in range(8):
        image = np.zeros((256, 256), np.float32)
        add_tear_line(np.random.default_rng(k), image, dataclasses.replace(scene, openness=1.0))
        rows = np.flatnonzero(image.max(axis=1) > 1)
        _, lower = lid_edges(dataclasses.replace(scene, openness=1.0), scene.eye[0] + np.linspace(-90, 90, 50))
        assert image.min() >= 0
        assert not len(rows) or (lower.min() - 5 < rows.min() and rows.max() < lower.max() + 5)


def test_a_closed_eye_has_no_tear_line(scene):
    image = np.zeros((256, 256), np.float32)
    for k in range(8):
        add_tear_line(np.random.default_rng(k), image, dataclasses.replace(scene, openness=0.1))
    assert not image.any()
