import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.data.heatmaps import render_heatmaps, scale_points
from glint_unet.model.votes import decode_output, split_output, vote_loss

SIDE, STRIDE, SIGMA = 64, 4, 0.75
h = w = SIDE // STRIDE


def perfect_output(keypoints, log_scale=-3.0, sigma=SIGMA, stride=STRIDE):
    """What a network would give that knows the keypoints (B, C, 2)."""
    size = (SIDE // stride,) * 2
    heatmaps = render_heatmaps(keypoints, size, stride, sigma).clamp(1e-5, 1 - 1e-5)
    points = scale_points(keypoints, 1 / stride, 1 / stride)
    rows, columns = torch.meshgrid(*(torch.arange(n).float() for n in size), indexing="ij")
    away = points[:, :, :, None, None] - torch.stack([columns, rows])  # (B, C, 2, h, w)
    distance = away.norm(dim=2).nan_to_num(torch.inf)
    nearest = distance.argmin(dim=1)[:, None, None].expand(-1, 1, 2, -1, -1)
    votes = away.gather(1, nearest)[:, 0].nan_to_num(0)
    scale = torch.full_like(votes[:, :1], log_scale)
    return torch.cat([heatmaps.logit(), votes, scale], dim=1)


inside = st.floats(0, SIDE - 1)


@given(x=inside, y=inside, log_scale=st.floats(-4, 1))
def test_votes_place_a_glint_exactly_with_its_scale_as_standard_deviation(x, y, log_scale):
    truth = torch.tensor([[[x, y]]])
    points, scores, sigmas = decode_output(perfect_output(truth, log_scale), 1, STRIDE, SIGMA)
    assert (points - truth).abs().max() <= 0.01
    assert scores.item() > 0.97  # also where the glint lies between pixels
    assert sigmas.item() == pytest.approx(math.sqrt(3) * math.exp(log_scale) * STRIDE, rel=1e-4)


@given(x=inside, y=inside, stride=st.sampled_from([1, 2, 4]))
def test_without_votes_the_peak_itself_is_refined(x, y, stride):
    truth = torch.tensor([[[x, y]]])
    output = perfect_output(truth, sigma=1.5, stride=stride)[:, :1]
    points, scores, sigmas = decode_output(output, 1, stride, 1.5)
    assert (points - truth).abs().max() <= 0.1
    assert scores.item() > 0.95
    assert sigmas.item() < 0.2 * stride


def test_a_peak_broader_than_the_targets_is_a_less_certain_place():
    truth = torch.tensor([[[30.0, 30.0]]])
    output = render_heatmaps(truth, (h, w), STRIDE, math.hypot(1.5, 1.0)).clamp(1e-6, 1 - 1e-6).logit()
    assert decode_output(output, 1, STRIDE, 1.5)[2].item() == pytest.approx(1.0 * STRIDE, rel=0.02)


def test_neighbouring_glints_do_not_pull_at_each_other():
    truth = torch.tensor([[[30.0, 30.0], [36.5, 31.0], [30.0, 37.0]]])
    points, _, _ = decode_output(perfect_output(truth), 3, STRIDE, SIGMA)
    assert (points - truth).abs().max() <= 0.01


def test_an_absent_glint_has_a_low_score():
    truth = torch.tensor([[[30.0, 30.0], [torch.nan, torch.nan]]])
    points, scores, sigmas = decode_output(perfect_output(truth), 2, STRIDE, SIGMA)
    assert scores[0, 0] > 0.9
    assert scores[0, 1] < 0.01
    assert torch.isfinite(points).all()
    assert torch.isfinite(sigmas).all()


def reference_vote_loss(votes, target, keypoints, stride):
    """Pixel by pixel, from the definition."""
    total = weights = 0.0
    for b in range(len(votes)):
        for row in range(votes.shape[2]):
            for column in range(votes.shape[3]):
                weight = float(target[b, :, row, column].max())
                if weight < 0.05:
                    continue
                away = [
                    (((x + 0.5) / stride - 0.5 - column), ((y + 0.5) / stride - 0.5 - row))
                    for x, y in keypoints[b].tolist()
                    if x == x
                ]
                dx, dy = min(away, key=lambda d: d[0] ** 2 + d[1] ** 2)
                vx, vy, log_scale = votes[b, :, row, column].tolist()
                log_scale = min(max(log_scale, -6.0), 3.0)
                error = math.sqrt((vx - dx) ** 2 + (vy - dy) ** 2 + 1e-6)
                total += weight * (error * math.exp(-log_scale) + 2 * log_scale)
                weights += weight
    return total / max(weights, 1.0)


@pytest.mark.parametrize("seed", range(5))
def test_the_loss_is_the_likelihood_of_the_nearest_glint(seed):
    generator = torch.Generator().manual_seed(seed)
    keypoints = torch.rand(2, 3, 2, generator=generator) * 60
    keypoints[0, 1] = torch.nan
    target = render_heatmaps(keypoints, (h, w), STRIDE, 1.0)
    votes = torch.randn(2, 3, h, w, generator=generator) * 3
    expected = reference_vote_loss(votes, target, keypoints, STRIDE)
    assert vote_loss(votes, target, keypoints, STRIDE).item() == pytest.approx(expected, rel=1e-4)


def test_the_loss_is_least_where_the_votes_are_right_and_as_sure_as_they_are_exact():
    keypoints = torch.tensor([[[30.3, 21.7]]])
    target = render_heatmaps(keypoints, (h, w), STRIDE, 1.0)
    right = perfect_output(keypoints)[:, 1:]
    shifted = right + torch.tensor([0.5, 0, 0])[:, None, None]
    assert vote_loss(right, target, keypoints, STRIDE) < vote_loss(shifted, target, keypoints, STRIDE)
    scales = torch.linspace(-4, 2, 61)
    losses = []
    for scale in scales:
        votes = shifted.clone()
        votes[:, 2] = scale
        losses.append(vote_loss(votes, target, keypoints, STRIDE))
    assert scales[int(torch.stack(losses).argmin())].item() == pytest.approx(math.log(0.5 / 2), abs=0.1)


def test_a_batch_without_glints_costs_nothing_and_has_a_gradient():
    votes = torch.randn(1, 3, h, w, requires_grad=True)
    loss = vote_loss(votes, torch.zeros(1, 2, h, w), torch.full((1, 2, 2), torch.nan), STRIDE)
    loss.backward()
    assert loss.item() == 0
    assert votes.grad.abs().sum() == 0


def test_an_output_of_c_channels_has_no_votes():
    assert split_output(torch.zeros(1, 4, 2, 2), 4)[1] is None
    assert split_output(torch.zeros(1, 7, 2, 2), 4)[1].shape == (1, 3, 2, 2)
