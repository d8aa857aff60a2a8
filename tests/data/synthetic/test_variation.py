import dataclasses

import numpy as np
import pytest

from glint_unet.data.synthetic.drawing import _padded, render_eyes
from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_scene
from glint_unet.data.synthetic.variation import AS_THE_LEVEL, IRIS_SHARE, sample_variation

MIXED = Rig.ring(8, level="mixed", image_size=(96, 128), layout_size=(0.45, 0.65))


def variations(num=300, iris_share=IRIS_SHARE):
    return [sample_variation(np.random.default_rng(k), 8, iris_share) for k in range(num)]


def scene_of(variation, seed=0):
    return sample_scene(np.random.default_rng(seed), MIXED, LEVELS["easy"], variation)


def test_the_iris_has_the_sizes_requested_all_of_them_as_likely_on_a_logarithmic_scale():
    shares = np.array([scene_of(variation).iris_radius / 96 for variation in variations(iris_share=(0.1, 0.4))])
    assert shares.min() == pytest.approx(0.1, rel=0.05)
    assert shares.max() == pytest.approx(0.4, rel=0.05)
    assert np.median(shares) == pytest.approx(0.2, rel=0.15)


def test_without_variation_a_scene_is_the_levels():
    plain, neutral = scene_of(AS_THE_LEVEL), sample_scene(np.random.default_rng(0), MIXED, LEVELS["easy"])
    assert np.array_equal(plain.glints, neutral.glints)
    assert plain.iris_radius == neutral.iris_radius


def test_a_displaced_and_squeezed_layout_moves_and_squeezes_the_glints_only():
    plain = scene_of(AS_THE_LEVEL)
    squeezed = scene_of(dataclasses.replace(AS_THE_LEVEL, ring=np.diag([1.0, 0.5])))
    displaced = scene_of(dataclasses.replace(AS_THE_LEVEL, displacement=np.array([0.5, 0.0])))
    assert np.array_equal(plain.iris, squeezed.iris)
    assert np.ptp(squeezed.glints[:, 1]) == pytest.approx(0.5 * np.ptp(plain.glints[:, 1]), rel=1e-4)
    assert displaced.glints - plain.glints == pytest.approx(np.tile([0.5 * plain.iris_radius, 0], (8, 1)), abs=1e-3)


def test_leds_are_hidden_one_by_one_and_as_neighbours():
    lit = np.array([variation.lit for variation in variations()])
    assert 0.5 < lit.mean() < 0.9
    changes = (lit != np.roll(lit, 1, axis=1)).sum(axis=1)
    assert (changes == 0).any()
    assert ((changes == 2) & (lit.sum(axis=1) <= 5)).any()
    assert (changes > 2).any()


def test_mixed_eyes_are_unlike_each_other_in_size_and_tone():
    images, keypoints = render_eyes(MIXED, 0, range(80))
    means = images.reshape(80, -1).mean(axis=1)
    assert np.quantile(means, 0.9) > 2 * np.quantile(means, 0.1)
    complete = keypoints[np.isfinite(keypoints[..., 0]).sum(axis=1) >= 5]
    reach = np.nanmax(complete, axis=1) - np.nanmin(complete, axis=1)
    assert len(reach) > 10
    assert reach.max() > 3 * reach.max(axis=1).min()


def test_a_mixed_glint_is_a_bright_spot_at_its_keypoint():
    images, keypoints = render_eyes(MIXED, 1, range(60))
    brighter = []
    for image, points in zip(images.astype(float), keypoints, strict=True):
        for x, y in points[np.isfinite(points).all(axis=-1)].round().astype(int):
            part = image[max(y - 6, 0) : y + 7, max(x - 6, 0) : x + 7]
            brighter.append(image[y, x] - np.median(part))
    assert len(brighter) > 100
    assert np.mean(np.array(brighter) > 0) > 0.93


def test_no_keypoint_lies_in_the_padding():
    for index in range(200):
        variation = sample_variation(np.random.default_rng(index), 8, IRIS_SHARE)
        top, bottom, left, right = variation.padding
        assert top == bottom < 0.25
        assert left == right < 0.25
    padded = dataclasses.replace(AS_THE_LEVEL, padding=(0.2, 0.2, 0.0, 0.0))
    scene = scene_of(padded)
    image, inside = _padded(np.arange(96 * 128, dtype=np.float32).reshape(96, 128), scene)
    assert (image[:19] == image[19]).all()
    assert not inside[(scene.glints[:, 1] < 19) | (scene.glints[:, 1] > 76)].any()
