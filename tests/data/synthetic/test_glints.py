import numpy as np

from glint_unet.data.synthetic.glints import AddedGlints, add_glints, sample_glow, sample_kind
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_scene

RIG = Rig.ring(6, image_size=(96, 96), level="easy")


def added_to(image, cover):
    kind = sample_kind(RIG, 1, 5)
    scene = sample_scene(kind.rng, RIG, kind.level, kind.variation)
    glow = sample_glow(kind.rng, scene, kind.level, 0.5, np.zeros(2))
    return add_glints(kind.rng, image, scene, kind.level, glow, cover, np.zeros_like(image)), scene


def test_glints_are_added_where_the_scene_places_them():
    image = np.full((96, 96), 40, np.float32)
    added, scene = added_to(image, np.zeros_like(image))
    assert added.is_open.sum() >= 4
    for x, y in scene.glints[added.is_open].round().astype(int):
        assert image[y, x] > 100


def test_a_lid_hides_glints_and_their_light():
    image = np.full((96, 96), 40, np.float32)
    added, _ = added_to(image, np.ones_like(image))
    assert not added.is_open.any()
    assert np.all(image == 40)


def test_a_glint_no_brighter_than_the_noise_cannot_be_seen():
    added = AddedGlints(np.array([True, True, False]), np.array([13.0, 100.0, 100.0]))
    assert added.visible(1.0).tolist() == [True, True, False]
    assert added.visible(10.0).tolist() == [False, True, False]


def test_a_trace_beside_a_far_brighter_glint_counts_as_absent_where_a_share_is_set():
    contrast, is_open = np.array([20.0, 200.0, 900.0]), np.array([True, True, False])
    assert AddedGlints(is_open, contrast).visible(1.0).tolist() == [True, True, False]
    assert AddedGlints(is_open, contrast, 10.0, 0.15).visible(1.0).tolist() == [False, True, False]
    assert not AddedGlints(np.zeros(3, bool), contrast, 10.0, 0.15).visible(1.0).any()
