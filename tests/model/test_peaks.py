"""Peaks of all heatmaps together, against a plain reference."""

import numpy as np
import pytest
import torch

from glint_unet.data.heatmaps import render_heatmaps
from glint_unet.model.peaks import decode_peaks
from glint_unet.model.votes import decode_output
from tests.model.test_votes import SIGMA, STRIDE, perfect_output


def reference_peaks(logits, num):
    """(B, num): pixels, from the definition."""
    logits = logits.numpy()
    peaks = []
    for image in logits:
        C, h, w = image.shape
        found = []
        for c, row, column in np.ndindex(C, h, w):
            value = image[c, row, column]
            near = image[c, max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            if value >= near.max() and value >= image[:, row, column].max():
                found.append((-value, row * w + column))
        peaks.append([pixel for _, pixel in sorted(found)[:num]])
    return peaks


@pytest.mark.parametrize("seed", range(5))
def test_peaks_are_those_of_a_plain_search(seed):
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 12, 10, generator=generator) * 2
    votes = torch.cat([torch.zeros(2, 2, 12, 10), torch.full((2, 1, 12, 10), -3.0)], dim=1)
    points, scores, sigmas = decode_peaks(torch.cat([logits, votes], dim=1), 3, 1, 0.75, num=6)
    for b, pixels in enumerate(reference_peaks(logits, 6)):
        expected = torch.tensor([[pixel % 10, pixel // 10] for pixel in pixels])
        assert (points[b].round() == expected).all()
        heights = torch.stack([logits[b].sigmoid().flatten(1)[:, pixel] for pixel in pixels])
        assert torch.allclose(scores[b], heights, atol=1e-4)
    assert torch.allclose(sigmas, torch.full((2, 6), 3**0.5 * np.exp(-3.0)), atol=1e-5)


@pytest.mark.parametrize("votes", [True, False])
def test_a_peak_is_where_the_heatmap_of_its_led_says(votes):
    truth = torch.tensor([[[20.3, 30.9], [44.1, 12.2], [torch.nan, torch.nan], [9.6, 50.4]]])
    sigma = SIGMA if votes else 1.5
    output = perfect_output(truth, sigma=sigma)
    output = output if votes else output[:, :4]
    points, scores, sigmas = decode_peaks(output, 4, STRIDE, sigma)
    of_led, heights, spread = decode_output(output, 4, STRIDE, sigma)
    for led in (0, 1, 3):
        (peak,) = torch.nonzero(scores[0, :, led] > 0.5)[:, 0].tolist()
        assert torch.allclose(points[0, peak], of_led[0, led], atol=1e-3)
        assert torch.allclose(scores[0, peak, led], heights[0, led], atol=1e-4)
        assert torch.allclose(sigmas[0, peak], spread[0, led], atol=1e-3)
    assert scores[0, :, 2].max() < 0.01


def test_glints_in_neighbouring_pixels_stay_two_peaks():
    truth = torch.tensor([[[30.0, 30.0], [35.0, 31.0]]])
    points, scores, _ = decode_peaks(perfect_output(truth), 2, STRIDE, SIGMA)
    first, second = scores[0].argmax(dim=0).tolist()
    assert torch.allclose(points[0, [first, second]], truth[0], atol=0.05)


def test_a_small_heatmap_gives_fewer_peaks_and_places_without_one_score_nothing():
    output = render_heatmaps(torch.tensor([[[4.0, 5.0]] * 2]), (4, 3), 4, 0.75).clamp(1e-5, 0.99).logit()
    points, scores, sigmas = decode_peaks(output, 2, 4, 0.75)
    assert points.shape == (1, 12, 2)
    assert (scores[0].amax(dim=-1) > 0).sum() == 1
    assert torch.isfinite(points).all()
    assert torch.isfinite(sigmas).all()


def test_many_leds_have_room_among_the_peaks():
    truth = 6 + 12.0 * torch.stack([torch.arange(20) % 5, torch.arange(20) // 5], dim=-1)[None]
    points, scores, _ = decode_peaks(perfect_output(truth), 20, STRIDE, SIGMA)
    for led in range(20):
        assert (points[0, scores[0, :, led].argmax()] - truth[0, led]).norm() < 0.1
