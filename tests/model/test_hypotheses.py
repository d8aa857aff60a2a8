"""Where pairs of peaks say that the layout is."""

import numpy as np
import pytest

from glint_unet.model.constellation import Constellation
from glint_unet.model.hypotheses import hypotheses
from glint_unet.model.layout_fits import Peaks

ANGLES = np.arange(6) * np.pi / 3
RING = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=-1)
CONSTELLATION = Constellation.from_layout(RING, (5, 40))


def peaks_at(points: np.ndarray, heights: np.ndarray) -> Peaks:
    """Peaks of one image, alike for all LEDs, as of a class-free network."""
    scores = np.broadcast_to(heights.astype(np.float32)[None, :, None], (1, len(points), 6))
    return Peaks.of(points[None].astype(np.float32), scores, np.full((1, len(points)), 0.3, np.float32))


@pytest.mark.parametrize("num_shown", [2, 3, 6])
def test_the_layout_is_among_the_hypotheses(num_shown):
    rng = np.random.default_rng(num_shown)
    places = RING * 15 + (60, 50)
    points = np.concatenate([places[:num_shown], rng.uniform(0, 100, (8, 2))])
    fits, is_plausible = hypotheses(peaks_at(points, np.r_[np.full(num_shown, 0.9), np.full(8, 0.2)]), CONSTELLATION)
    found = fits.places(CONSTELLATION)[0][is_plausible[0]]
    away = np.abs(found - (places[:, 0] + 1j * places[:, 1])).max(axis=1)
    assert away.min() < 1 or num_shown == 2  # two glints of a ring may be any pair of neighbours
    assert np.abs(fits.z[is_plausible]).min() >= 5
    assert np.abs(fits.z[is_plausible]).max() <= 40


def test_peaks_too_far_apart_or_at_one_place_leave_only_the_hypothesis_of_a_single_peak():
    for points in ([[0, 0], [500, 0]], [[9, 9], [9, 9]]):
        _, is_plausible = hypotheses(peaks_at(np.array(points), np.array([0.9, 0.9])), CONSTELLATION)
        assert is_plausible[0].sum() == 1
        assert is_plausible[0, -1]
