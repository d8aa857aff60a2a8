import numpy as np

from glint_unet.data.synthetic.bright_spots import bright_spots, noise_of, opened, painted_over


def ground(spots=((20, 12), (40, 30)), side=64):
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side]
    image = 40 + 0.5 * x + rng.normal(0, 1, (side, side))
    for column, row in spots:
        image = image + 150 * np.exp(-((x - column) ** 2 + (y - row) ** 2) / 4)
    return image.astype(np.float32)


def test_opening_removes_narrow_bright_things_and_keeps_wide_ones():
    image = np.zeros((40, 40), np.float32)
    image[5:8, 5:8], image[15:30, 15:30] = 200, 100
    plain = opened(image, 3)
    assert plain[:12].max() == 0
    assert np.array_equal(plain[15:30, 15:30], image[15:30, 15:30])


def test_bright_spots_are_found_with_their_fringe_and_nothing_else():
    spots = bright_spots(ground(), 5)
    y, x = np.mgrid[:64, :64]
    near = np.minimum(np.hypot(x - 20, y - 12), np.hypot(x - 40, y - 30))
    assert spots[near < 3].all()
    assert not spots[near > 7].any()


def test_a_painted_over_spot_looks_like_the_ground_around_it():
    image, bare = ground(), ground(spots=())
    spots = bright_spots(image, 5)
    filled = painted_over(image, spots)
    assert np.abs(filled - bare).max() < 5
    assert np.array_equal(filled[~spots], image[~spots])


def test_a_spot_that_fills_the_image_is_filled_somehow_and_ends():
    assert np.isfinite(painted_over(np.full((9, 9), 7, np.float32), np.ones((9, 9), bool))).all()


def test_noise_is_measured_beside_spots_and_slopes():
    assert 0.8 < noise_of(ground()) < 1.2
