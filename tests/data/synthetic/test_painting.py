import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from glint_unet.data.synthetic.backgrounds import read_backgrounds
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.painting import backgrounds_of, is_painted, make_eyes, paint_eye
from glint_unet.data.synthetic.rig import Rig

SIZE = (96, 96)


@pytest.fixture(scope="module")
def rig(tmp_path_factory):
    """A rig of 6 LEDs with 10 frames of another one."""
    folder = tmp_path_factory.mktemp("frames")
    images, _ = render_eyes(Rig.ring(4, image_size=(120, 160), level="easy"), 3, range(10))
    for k, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{k}.png")
    return Rig.ring(6, image_size=SIZE, level="easy", backgrounds=str(folder))


@pytest.fixture(scope="module")
def painted(rig):
    """40 painted frames and their keypoints."""
    found = read_backgrounds(rig.backgrounds, rig.image_size)
    made = [paint_eye(rig, 1, index, found) for index in range(40)]
    return [image for image, _ in made], [points for _, points in made]


def test_a_painted_image_is_a_function_of_rig_seed_index_and_frames(rig):
    found = read_backgrounds(rig.backgrounds, rig.image_size)
    first, again = (paint_eye(rig, 2, 5, found) for _ in range(2))
    assert first[0].shape == SIZE
    assert first[0].dtype == np.uint8
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1], equal_nan=True)
    assert not np.array_equal(first[0], paint_eye(rig, 2, 6, found)[0])
    assert not np.array_equal(first[0], paint_eye(rig, 3, 5, found)[0])


def test_a_keypoint_is_the_sub_pixel_centre_of_its_painted_spot(painted):
    offsets = []
    for image, points in zip(*painted, strict=True):
        for x, y in points[np.isfinite(points).all(axis=-1)]:
            left, top = max(round(float(x)) - 2, 0), max(round(float(y)) - 2, 0)
            part = image[top : top + 5, left : left + 5].astype(float)
            part = np.clip(part - np.median(part), 0, None)
            if part.max() < 20:
                continue  # too dim for a centroid
            rows, columns = np.mgrid[top : top + part.shape[0], left : left + part.shape[1]]
            offsets.append(((part * columns).sum() / part.sum() - x, (part * rows).sum() / part.sum() - y))
    assert len(offsets) > 80
    assert np.median(np.linalg.norm(offsets, axis=1)) < 0.2


def test_an_led_that_misses_the_cornea_is_neither_painted_nor_labelled(rig):
    found = read_backgrounds(rig.backgrounds, rig.image_size)
    left, right = (replace(rig, leds=((x, 3.0),), layout_size=(0.9, 0.9)) for x in (-3.0, 3.0))
    for index in range(20):
        image, points = paint_eye(left, 1, index, found)
        assert np.isnan(points).all()
        assert np.array_equal(image, paint_eye(right, 1, index, found)[0])


def test_nothing_is_painted_where_no_eye_is_found(rig):
    found = read_backgrounds(rig.backgrounds, rig.image_size)
    blinks = replace(found, frames=tuple(replace(frame, eye=None) for frame in found.frames))
    for index in range(10):
        image, points = paint_eye(rig, 1, index, blinks)
        assert np.isnan(points).all()
        assert image.max() < 255


def test_drawn_and_painted_images_are_mixed_by_their_share(rig):
    shares = [
        np.mean([is_painted(replace(rig, backgrounds_share=share), 1, k) for k in range(400)]) for share in (0, 0.3, 1)
    ]
    assert shares[0] == 0
    assert 0.2 < shares[1] < 0.4
    assert shares[2] == 1


def test_an_image_that_is_drawn_is_the_one_drawn_without_frames(rig):
    images, points = make_eyes(rig, 1, range(12), backgrounds_of(rig))
    drawn_images, drawn_points = render_eyes(rig, 1, range(12))
    drawn = [not is_painted(rig, 1, k) for k in range(12)]
    assert 0 < sum(drawn) < 12
    assert np.array_equal(images[drawn], drawn_images[drawn])
    assert np.array_equal(points[drawn], drawn_points[drawn], equal_nan=True)
    assert not np.array_equal(images, drawn_images)


def test_memory_does_not_grow_with_the_number_of_images(rig):
    found = read_backgrounds(rig.backgrounds, rig.image_size)
    paint_eye(rig, 1, 0, found)
    tracemalloc.start()
    try:
        for index in range(30):
            paint_eye(rig, 1, index, found)
        assert tracemalloc.get_traced_memory()[1] < 3e6
    finally:
        tracemalloc.stop()
