import numpy as np
import pytest

from glint_unet.data.synthetic.drawing import render_eye, render_eyes
from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.rig import Rig

EASY = Rig.ring(8, level="easy")


@pytest.mark.parametrize("level", [*LEVELS, "mixed"])
def test_an_eye_is_a_function_of_rig_seed_and_index(level):
    rig = Rig.ring(4, image_size=(48, 64), level=level)
    image, keypoints = render_eye(rig, 3, 7)
    again, same_keypoints = render_eye(rig, 3, 7)
    assert image.shape == (48, 64)
    assert np.array_equal(image, again)
    assert np.array_equal(keypoints, same_keypoints, equal_nan=True)
    assert not np.array_equal(image, render_eye(rig, 3, 8)[0])
    assert not np.array_equal(image, render_eye(rig, 4, 7)[0])


def centroid_offsets(size, reach):
    """Brightness centroid of each glint's surroundings, from its keypoint, in pixels."""
    offsets = []
    images, keypoints = render_eyes(Rig.ring(8, image_size=(size, size), level="easy"), 1, range(40))
    for image, points in zip(images.astype(float), keypoints, strict=True):
        for x, y in points[np.isfinite(points).all(axis=-1)]:
            left, top = round(float(x)) - reach, round(float(y)) - reach
            part = image[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
            part = np.clip(part - np.median(part), 0, None)
            rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
            offsets.append(((part * columns).sum() / part.sum() - x, (part * rows).sum() / part.sum() - y))
    return np.array(offsets)


@pytest.mark.parametrize(("size", "reach"), [(256, 4), (128, 2)])
def test_a_keypoint_is_the_sub_pixel_centre_of_its_bright_spot(size, reach):
    offsets = centroid_offsets(size, reach)
    assert len(offsets) > 200
    assert np.abs(np.median(offsets, axis=0)).max() < 0.02
    assert np.median(np.linalg.norm(offsets, axis=1)) < 0.1


def test_a_brighter_glint_has_a_plateau_and_no_pixel_wraps_around():
    images, keypoints = render_eyes(Rig.ring(8, level="hard"), 1, range(40))
    plateaus = 0
    for image, points in zip(images, keypoints, strict=True):
        for x, y in points[np.isfinite(points).all(axis=-1)]:
            part = image[max(round(float(y)) - 1, 0) : round(float(y)) + 2, max(round(float(x)) - 1, 0) :][:, :3]
            plateaus += bool((part == 255).all())
    assert plateaus > 20


def test_harder_levels_hide_more_glints():
    shares = [np.isfinite(render_eyes(Rig.ring(8, level=level), 2, range(60))[1][..., 0]).mean() for level in LEVELS]
    assert shares[0] > shares[1] > shares[2] > 0.3


def test_glints_are_sometimes_missing_and_sometimes_all_hidden_by_a_blink():
    keypoints = render_eyes(Rig.ring(8, image_size=(64, 64), level="easy"), 2, range(200))[1]
    counts = np.isfinite(keypoints[..., 0]).sum(axis=1).tolist()
    assert counts.count(0) > 0
    assert counts.count(8) > 50
    assert any(0 < count < 8 for count in counts)


def test_glints_keep_their_order_around_the_ring():
    complete = [points for points in render_eyes(EASY, 6, range(50))[1] if np.isfinite(points).all()]
    assert len(complete) > 10
    for points in complete:
        angles = np.arctan2(*(points - points.mean(axis=0)).T[::-1])
        assert (np.diff(np.unwrap(angles)) > 0).all()


def test_any_layout_of_leds_is_imaged_as_it_is():
    rig = Rig(leds=((-1.0, 0.0), (1.0, 0.0), (0.0, 0.5)), level="easy")
    for points in render_eyes(rig, 0, range(40))[1]:
        if np.isfinite(points).all():
            assert points[0, 0] < points[2, 0] < points[1, 0]
            assert points[2, 1] > points[:2, 1].min()
