"""Images and keypoints move together, and every sample's changes are its own."""

from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from glint_unet.config import TrainConfig
from glint_unet.data.augment import augment, darkest_around, flip_permutation, gaussian_noise, sample_augmentation
from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.errors import SettingError

OFF: dict[str, Any] = {
    "aug_rotate_deg": 0,
    "aug_scale": 0,
    "aug_shift": 0,
    "aug_intensity": 0,
    "aug_blur": 0,
    "aug_noise": 0,
}
STILL = TrainConfig(**OFF, aug_cutout=0)


def only(**values) -> TrainConfig:
    return TrainConfig(**{**OFF, "aug_cutout": 0, **values})


def spots(B=4, C=3, size=(96, 128), seed=0, sigma=2.0):
    """Images (B, 1, H, W) that show C spots each, far apart, and their keypoints."""
    generator = torch.Generator().manual_seed(seed)
    H, W = size
    places = torch.tensor([[W * 0.35, H * 0.4], [W * 0.6, H * 0.35], [W * 0.5, H * 0.65]])[:C]
    keypoints = places + torch.rand(B, C, 2, generator=generator) * 8
    maps = render_heatmaps(keypoints, size, 1, sigma)
    return maps.sum(dim=1, keepdim=True).clamp(max=1), keypoints


@settings(deadline=None, max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), epoch=st.integers(1, 10**6), rotate=st.floats(0, 180), flip=st.booleans())
def test_a_spot_is_found_where_its_keypoint_has_moved_to(seed, epoch, rotate, flip):
    keypoints = spots(B=4, C=1)[1]
    images = render_heatmaps(keypoints, (96, 128), 1, 2.0)
    config = only(aug_rotate_deg=rotate, aug_scale=0.3, aug_shift=0.1, flip="1" if flip else "")
    moved, points = augment(images, keypoints, sample_augmentation(seed, epoch, np.arange(4), 1), config)
    rows, columns = torch.meshgrid(torch.arange(96.0), torch.arange(128.0), indexing="ij")
    light = moved / moved.sum(dim=(-2, -1), keepdim=True).clamp_min(1e-9)
    found = torch.stack([(light * columns).sum(dim=(-2, -1)), (light * rows).sum(dim=(-2, -1))], dim=-1)
    inside = (points > 11).all(dim=-1) & (points < torch.tensor([117.0, 85.0])).all(dim=-1)
    assert ((found - points).abs().amax(dim=-1)[inside] < 0.05).all()


def test_most_points_stay_inside_under_the_default_ranges():
    images, keypoints = spots(B=64)
    _, points = augment(images, keypoints, sample_augmentation(0, 1, np.arange(64), 3), TrainConfig(aug_cutout=0))
    assert points.isfinite().all(dim=-1).float().mean() > 0.95
    assert (points - keypoints).abs().mean() > 1


def test_with_every_range_at_zero_nothing_changes():
    images, keypoints = spots()
    same, points = augment(images, keypoints, sample_augmentation(1, 2, np.arange(4), 3), STILL)
    assert torch.allclose(same, images, atol=1e-5)
    assert torch.allclose(points, keypoints, atol=1e-4)


def test_a_sample_looks_the_same_in_any_batch_and_different_in_any_epoch():
    images, keypoints = spots(B=4)
    config = TrainConfig(aug_cutout=0.3)
    rows = np.array([10, 11, 12, 13])
    whole, points = augment(images, keypoints, sample_augmentation(5, 3, rows, 3), config)
    for k in range(4):
        part = slice(k, k + 1)
        alone, alone_points = augment(images[part], keypoints[part], sample_augmentation(5, 3, rows[part], 3), config)
        assert torch.allclose(alone[0], whole[k], atol=1e-6)
        assert torch.allclose(alone_points[0], points[k], equal_nan=True)
    again, _ = augment(images, keypoints, sample_augmentation(5, 3, rows, 3), config)
    assert torch.equal(again, whole)
    for other in (
        sample_augmentation(5, 4, rows, 3),
        sample_augmentation(6, 3, rows, 3),
        sample_augmentation(5, 3, rows + 1, 3),
    ):
        assert not torch.allclose(augment(images, keypoints, other, config)[0], whole, atol=1e-2)


def test_a_cut_out_glint_is_gone_from_the_image_and_from_the_keypoints():
    images, keypoints = spots(B=32, sigma=1.4)
    cut, points = augment(images, keypoints, sample_augmentation(0, 1, np.arange(32), 3), only(aug_cutout=0.5))
    gone = points.isnan().any(dim=-1)
    assert 0.3 < gone.float().mean() < 0.7
    for image, place, is_gone in zip(cut[:, 0], keypoints, gone, strict=True):
        at = image[place[:, 1].round().long(), place[:, 0].round().long()]
        assert (at[is_gone] < 0.2).all()
        assert (at[~is_gone] > 0.8).all()


@given(reach=st.integers(1, 9), height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 99))
def test_the_darkest_around_is_that_of_a_pooling(reach, height, width, seed):
    images = torch.rand(2, 1, height, width, generator=torch.Generator().manual_seed(seed))
    pooled = -F.max_pool2d(-images, 2 * reach + 1, stride=1, padding=reach)
    assert torch.equal(darkest_around(images, reach), pooled)


def test_what_leaves_the_image_is_absent():
    images, keypoints = spots(B=16)
    keypoints = keypoints.clone()
    keypoints[:, 0] = torch.tensor([1.0, 1.0])
    _, points = augment(images, keypoints, sample_augmentation(0, 1, np.arange(16), 3), only(aug_shift=0.3))
    assert 0 < points[:, 0].isnan().any(dim=-1).sum() < 16


def test_an_absent_glint_stays_absent_under_every_change():
    images, keypoints = spots()
    keypoints[:, 1] = torch.nan
    changed, points = augment(images, keypoints, sample_augmentation(0, 1, np.arange(4), 3), TrainConfig(flip="1,3,2"))
    assert changed.isfinite().all()
    assert (points[:, 1:].isnan().all(dim=-1).sum(dim=1) >= 1).all()


def test_a_flip_gives_each_place_to_the_led_that_stands_there():
    images, keypoints = spots(B=32)
    flipped, points = augment(images, keypoints, sample_augmentation(0, 1, np.arange(32), 3), only(flip="2,1,3"))
    is_flipped = torch.tensor([not torch.allclose(a, b, atol=1e-3) for a, b in zip(images, flipped, strict=True)])
    assert 8 < is_flipped.sum() < 24
    mirrored = keypoints * torch.tensor([-1.0, 1.0]) + torch.tensor([127.0, 0.0])
    assert torch.allclose(points[is_flipped], mirrored[is_flipped][:, [1, 0, 2]], atol=1e-3)
    assert torch.allclose(points[~is_flipped], keypoints[~is_flipped], atol=1e-3)


@pytest.mark.parametrize("flip", ["1,2", "1,1,2", "2,3,1", "0,1,2", "a,b,c", "1,2,3,"])
def test_a_flip_that_is_no_exchange_of_leds_is_refused(flip):
    with pytest.raises(SettingError, match="left-right flip"):
        flip_permutation(flip, 3)


def test_the_noise_is_normal_and_belongs_to_key_and_pixel():
    noise = gaussian_noise(torch.tensor([1, 2, -(2**62)]), torch.Size((3, 1, 200, 300)))
    assert noise.mean(dim=(1, 2, 3)).abs().max() < 0.01
    assert (noise.std(dim=(1, 2, 3)) - 1).abs().max() < 0.01
    flat = noise.reshape(3, -1)
    assert torch.corrcoef(flat).fill_diagonal_(0).abs().max() < 0.02
    assert float((flat[0, 1:] * flat[0, :-1]).mean()) == pytest.approx(0, abs=0.02)
    assert (flat.abs() > 2).float().mean() == pytest.approx(0.0455, abs=0.01)
    assert torch.equal(gaussian_noise(torch.tensor([2]), torch.Size((1, 1, 200, 300)))[0], noise[1])
