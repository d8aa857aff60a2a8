import numpy as np
import pytest

from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_in_disc, sample_scene


def rng(index=0):
    return np.random.default_rng(index)


def test_points_of_the_disc_are_spread_over_its_area():
    radii = np.array([np.linalg.norm(sample_in_disc(rng(k))) for k in range(500)])
    assert radii.max() <= 1
    assert (radii < np.sqrt(0.5)).mean() == pytest.approx(0.5, abs=0.07)


def test_a_scene_scales_with_the_image():
    small, large = (sample_scene(rng(), Rig.ring(4, image_size=(side, side)), LEVELS["easy"]) for side in (64, 256))
    assert large.iris_radius == pytest.approx(4 * small.iris_radius)
    assert large.glints == pytest.approx(4 * small.glints, rel=1e-5)


def test_the_turned_iris_is_squeezed_along_the_gaze_only():
    scene = sample_scene(rng(), Rig.ring(4), LEVELS["hard"])
    along = scene.gaze / np.linalg.norm(scene.gaze)
    across = np.array([-along[1], along[0]])
    assert np.linalg.norm(scene.squeeze @ along) > 1
    assert np.linalg.norm(scene.squeeze @ across) == pytest.approx(1)


def test_a_reflection_on_the_cornea_lies_in_the_iris():
    for k in range(50):
        scene = sample_scene(rng(k), Rig.ring(8), LEVELS["hard"])
        assert (np.linalg.norm(scene.glints - scene.iris, axis=1)[scene.on_cornea] < scene.iris_radius).all()
