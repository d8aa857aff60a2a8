import dataclasses

import numpy as np
import pytest

from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.lids import lid_edges
from glint_unet.data.synthetic.reflections import Glow, Spots, add_distractors
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_scene
from glint_unet.data.synthetic.variation import AS_THE_LEVEL

STILL = np.zeros(2)


def test_a_spot_is_a_gaussian_at_its_sub_pixel_centre():
    image = np.zeros((32, 40), np.float32)
    Spots(np.array([[12.25, 15.5]]), np.array([2.0]), STILL, image.shape).add_to(image, np.array([100.0]))
    rows, columns = np.mgrid[:32, :40]
    expected = 100 * np.exp(-((columns - 12.25) ** 2 + (rows - 15.5) ** 2) / 8)
    assert np.abs(image - expected).max() < 0.3  # it ends at 3.5 standard deviations


def test_motion_keeps_a_spots_light_and_lowers_its_peak():
    still, moved = (np.zeros((40, 40), np.float32) for _ in range(2))
    for image, smear in ((still, STILL), (moved, np.array([6.0, 0.0]))):
        spots = Spots(np.array([[20.0, 20.0]]), np.array([2.0]), smear, image.shape)
        spots.add_to(image, np.array([100.0]))
    assert moved.sum() == pytest.approx(still.sum(), rel=0.01)
    assert moved.max() / still.max() == pytest.approx(spots.peak_share[0], rel=0.01)
    assert spots.peak_share[0] < 0.9


def test_the_mean_under_a_spot_outside_the_image_is_zero():
    spots = Spots(np.array([[10.0, 10.0], [-90.0, 5.0]]), np.full(2, 1.5), STILL, (20, 20))
    assert spots.means(np.full((20, 20), 3, np.float32)) == pytest.approx([3, 0])


def test_distractors_only_add_light_and_a_level_without_them_adds_none():
    rig, glow = Rig.ring(4), Glow(200.0, np.full(4, 200.0), np.full(4, 2.0), STILL)
    nothing = dataclasses.replace(LEVELS["hard"], gloss=(0, 0), spots=(0, 0), spectacles=0.0)
    for level in (LEVELS["hard"], nothing):
        rng, image = np.random.default_rng(0), np.zeros(rig.image_size, np.float32)
        scene = dataclasses.replace(sample_scene(rng, rig, level), on_cornea=np.ones(4, bool))
        add_distractors(rng, image, scene, rig, level, glow)
        assert image.min() >= 0
        assert image.any() == (level is not nothing)


def test_clusters_lie_off_the_iris_and_dots_along_the_lower_lid():
    rig, glow = Rig.ring(4, image_size=(256, 256)), Glow(200.0, np.full(4, 200.0), np.full(4, 1.0), STILL)
    bare = dataclasses.replace(LEVELS["easy"], gloss=(0, 0), spots=(0, 0), spectacles=0.0)
    rows, columns = np.mgrid[:256, :256]
    variations = {
        "cluster": dataclasses.replace(AS_THE_LEVEL, cluster=12),
        "lid_dots": dataclasses.replace(AS_THE_LEVEL, lid_dots=12),
        "streaks": dataclasses.replace(AS_THE_LEVEL, streaks=12),
    }
    for kind, variation in variations.items():
        rng, image = np.random.default_rng(3), np.zeros(rig.image_size, np.float32)
        scene = sample_scene(rng, rig, bare, variation)
        scene = dataclasses.replace(scene, on_cornea=np.ones(4, bool), openness=1.0)
        add_distractors(rng, image, scene, rig, bare, glow)
        assert image.min() >= 0
        assert image.max() > 20
        if kind == "cluster":
            inner = np.hypot(columns - scene.iris[0], rows - scene.iris[1]) < 0.85 * scene.iris_radius
            assert image[inner].max() < 1
        if kind == "lid_dots":
            _, lower = lid_edges(scene, columns[0])
            assert image[rows < lower - 0.2 * scene.iris_radius].max() < 1
