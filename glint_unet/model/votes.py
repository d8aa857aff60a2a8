"""Votes: every heatmap pixel near a glint says where the glint's centre is, and how sure it is.

A vote is (dx, dy) in heatmap pixels from the pixel's centre to the nearest glint, and log b, the scale of its error.
The error is taken to follow the two-dimensional Laplace density `exp(-r / b) / (2 pi b^2)`, whose standard deviation
along x and along y is `sqrt(3) b`: unlike a Gaussian's, its likelihood forgives the rare vote for a wrong glint.

Legend: B batch, C glint channels, h w heatmap.
"""

import math

import torch
from torch import Tensor

from glint_unet.data.heatmaps import decode_heatmaps, highest_pixels, scale_points

_LEAST_TARGET = 0.05
_LOG_SCALE_RANGE = (-6.0, 3.0)
_AGREE_PX = 0.5
_TINY = 1e-6
_FURTHEST_CORNER = 0.75  # a point this far from the centre of the highest pixel is beyond its corner


def split_output(output: Tensor, num_classes: int) -> tuple[Tensor, Tensor | None]:
    """A network's output as logits (B, C, h, w) and votes (B, 3, h, w); None where the network does not vote."""
    return output[:, :num_classes], output[:, num_classes:] if output.shape[1] > num_classes else None


def vote_loss(votes: Tensor, target: Tensor, keypoints: Tensor, stride: int) -> Tensor:
    """Negative log-likelihood of the nearest glint under each vote, where a glint is near.

    Args:
        votes: (B, 3, h, w): dx, dy in heatmap pixels, and log b.
        target: (B, C, h, w) heatmaps; a pixel counts as much as its highest target.
        keypoints: (B, C, 2), (x, y) in image pixels; NaN where absent.
        stride: image pixels per heatmap pixel.

    Returns:
        A scalar: `r / b + 2 log b`, the weighted mean over pixels of the batch; 0 where there is no glint.
    """
    h, w = votes.shape[-2:]
    points = scale_points(keypoints.float(), 1 / stride, 1 / stride)
    dx = points[..., 0, None, None] - torch.arange(w, device=votes.device)  # (B, C, 1, w)
    dy = points[..., 1, None, None] - torch.arange(h, device=votes.device)[:, None]  # (B, C, h, 1)
    distance2 = (dx**2 + dy**2).nan_to_num(torch.inf)
    is_nearest = distance2 == distance2.amin(dim=1, keepdim=True)  # an argmin takes 7 times as long on the CPU
    num_nearest = is_nearest.sum(dim=1)  # 1, but where two are just as near: their mean
    true_x = (dx.masked_fill(~is_nearest, 0).sum(dim=1) / num_nearest).nan_to_num(0)
    true_y = (dy.masked_fill(~is_nearest, 0).sum(dim=1) / num_nearest).nan_to_num(0)
    weight = target.amax(dim=1)
    weight = weight.masked_fill(weight < _LEAST_TARGET, 0.0)
    error = ((votes[:, 0] - true_x) ** 2 + (votes[:, 1] - true_y) ** 2 + _TINY).sqrt()
    log_scale = votes[:, 2].clamp(*_LOG_SCALE_RANGE)
    likelihood = error * torch.exp(-log_scale) + 2 * log_scale
    return (weight * likelihood).sum() / weight.sum().clamp_min(1.0)


def decode_output(
    output: Tensor, num_classes: int, stride: int, sigma_heatmap_px: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Every LED's glint, from whatever the network gives.

    The highest pixel of an LED's heatmap tells which votes to ask: those of the 3x3 pixels around it that agree with
    the highest one's to half a pixel, since others are for a neighbouring glint. They are fused by
    `heatmap / b^2`. Without votes, the position is that of `decode_heatmaps`, and its standard deviation is read from
    the peak's width: a heatmap is the target's Gaussian blurred by where the glint may be.

    Args:
        output: (B, C or C + 3, h, w) as the network gives it.
        num_classes: C.
        stride: image pixels per heatmap pixel.
        sigma_heatmap_px: standard deviation of the targets' Gaussians in heatmap pixels.

    Returns:
        points: (B, C, 2) float32, (x, y) in image pixels.
        scores: (B, C) float32, 0..1: height of the peak over the height that a glint at this place has in the targets,
            whose highest pixel is below 1 where the glint lies between pixels.
        sigmas: (B, C) float32, predicted standard deviation of the position along x and along y, in image pixels.
    """
    logits, votes = split_output(output.float(), num_classes)
    heatmaps = logits.sigmoid()
    if votes is None:
        points, scores, widths = decode_heatmaps(heatmaps, stride)
        spread = (widths**2 - sigma_heatmap_px**2).clamp_min((0.02 * sigma_heatmap_px) ** 2).sqrt() * stride
        return points, _full_height(scores, points, heatmaps, stride, sigma_heatmap_px), spread
    points, scores, sigmas = _fused(heatmaps, votes)
    points = scale_points(points, stride, stride)
    return points, _full_height(scores, points, heatmaps, stride, sigma_heatmap_px), sigmas * stride


def _full_height(heights: Tensor, points: Tensor, heatmaps: Tensor, stride: int, sigma_heatmap_px: float) -> Tensor:
    """Heights (B, C) of highest pixels, over what a Gaussian centred at `points` has there."""
    away = (points - highest_pixels(heatmaps, stride)) / stride
    offset = away.square().sum(dim=-1).clamp(max=_FURTHEST_CORNER**2)
    return (heights * torch.exp(offset / (2 * sigma_heatmap_px**2))).clamp(max=1)


def _fused(heatmaps: Tensor, votes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Points (B, C, 2), scores and sigmas (B, C), in heatmap pixels."""
    C, h, w = heatmaps.shape[1:]
    scores, peak = heatmaps.flatten(2).max(dim=-1)
    row, column = peak // w, peak % w
    near = torch.arange(-1, 2, device=peak.device)
    rows = (row[..., None] + near.repeat_interleave(3)).clamp(0, h - 1)  # (B, C, 9)
    columns = (column[..., None] + near.repeat(3)).clamp(0, w - 1)
    index = rows * w + columns
    asked = votes.flatten(2)[:, None].expand(-1, C, -1, -1).gather(3, index[:, :, None].expand(-1, -1, 3, -1))
    told = torch.stack([columns + asked[:, :, 0], rows + asked[:, :, 1]], dim=-1)  # (B, C, 9, 2)
    log_scale = asked[:, :, 2].clamp(*_LOG_SCALE_RANGE)
    height = heatmaps.flatten(2).gather(2, index)
    agrees = (told - told[:, :, 4:5]).norm(dim=-1) <= _AGREE_PX
    weight = height * torch.exp(-2 * log_scale) * agrees + _TINY * (torch.arange(9, device=peak.device) == 4)
    weight = weight / weight.sum(dim=-1, keepdim=True)
    points = (weight[..., None] * told).sum(dim=2)
    sigmas = math.sqrt(3) * (weight * log_scale.exp()).sum(dim=-1)
    return points, scores, sigmas
