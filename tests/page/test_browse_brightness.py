import numpy as np

from glint_unet.page.browse_brightness import is_away_from_light


def image_with(*spots):
    """(1, 80, 100) uint8: dark, with a spot of 3 px at each (x, y)."""
    y, x = np.mgrid[:80, :100]
    shine = sum(np.exp(-((x - a) ** 2 + (y - b) ** 2) / 4) for a, b in spots)
    return (40 + 180 * np.clip(shine, 0, 1)).astype(np.uint8)[None]


def away(image, *labels):
    return is_away_from_light(image, np.array([labels], np.float32))[0].tolist()


def test_a_label_on_its_glint_is_right_and_one_beside_it_is_away():
    assert away(image_with((30.3, 40.6)), (30.3, 40.6)) == [False]
    assert away(image_with((34, 40)), (30, 40)) == [True]


def test_a_label_where_nothing_shines_is_away():
    assert away(image_with((80, 60)), (30, 40)) == [True]


def test_the_glint_of_another_label_does_not_count():
    image = image_with((30, 40), (34, 40))
    image[0, :, 32:] = np.where(image[0, :, 32:] > 60, 255, image[0, :, 32:])  # the other one is brighter
    assert away(image, (30, 40), (34, 40)) == [False, False]


def test_absent_labels_are_not_away_and_labels_at_the_border_are_judged():
    assert away(image_with((0, 0)), (0, 0), (np.nan, np.nan)) == [False, False]
    assert away(image_with((50, 50)), (99, 79)) == [True]


def test_many_images_give_the_same_as_each_alone():
    rng = np.random.default_rng(1)
    images = rng.integers(0, 255, (12, 40, 40)).astype(np.uint8)
    labels = rng.uniform(0, 39, (12, 100, 2)).astype(np.float32)  # so many that they are taken a few images at a time
    each = [is_away_from_light(images[k : k + 1], labels[k : k + 1])[0] for k in range(12)]
    np.testing.assert_array_equal(is_away_from_light(images, labels), np.stack(each))
