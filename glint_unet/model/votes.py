"""Votes: every heatmap pixel near a glint predicts the position of its centre, and the uncertainty.

A vote is the offset (dx, dy) in heatmap pixels from the centre of the pixel to the nearest glint, and log b, the log
scale of its error. The error r is modelled by the two-dimensional Laplace density `exp(-r / b) / (2 pi b^2)`, whose
standard deviation along x and along y is `sqrt(3) b`; unlike a Gaussian, it tolerates the rare vote for a wrong glint.

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
_FURTHEST_CORNER = 0.75  # heatmap pixels; a little more than from the centre of a pixel to its corner


def split_output(output: Tensor, num_classes: int) -> tuple[Tensor, Tensor | None]:
    """Splits network output into logits (B, C, h, w) and votes (B, 3, h, w), or None if the network does not vote."""
    return output[:, :num_classes], output[:, num_classes:] if output.shape[1] > num_classes else None


def vote_loss(votes: Tensor, target: Tensor, keypoints: Tensor, stride: int) -> Tensor:
    """Negative log-likelihood `r / b + 2 log b` (up to a constant) of the nearest glint's centre under each vote.

    Args:
        votes: (B, 3, h, w): dx, dy in heatmap pixels, and log b.
        target: (B, C, h, w) heatmaps in [0, 1]; each pixel is weighted by its maximum over channels.
        keypoints: (B, C, 2), (x, y) in image pixels; NaN where absent.
        stride: image pixels per heatmap pixel.

    Returns:
        A scalar: the weighted mean over all pixels of the batch; 0 if there is no glint.
    """
    h, w = votes.shape[-2:]
    points = scale_points(keypoints.float(), 1 / stride, 1 / stride)
    dx = points[..., 0, None, None] - torch.arange(w, device=votes.device)  # (B, C, 1, w)
    dy = points[..., 1, None, None] - torch.arange(h, device=votes.device)[:, None]  # (B, C, h, 1)
    distance2 = (dx**2 + dy**2).nan_to_num(torch.inf)
    is_nearest = distance2 == distance2.amin(dim=1, keepdim=True)  # an argmin takes 7 times as long on the CPU
    num_nearest = is_nearest.sum(dim=1)  # 1, or more in a tie, which takes their mean
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
    """Decodes network output, with or without votes, to the glint of every LED.

    With votes, the position is the mean, weighted by `heatmap / b^2`, of the votes of the 3x3 pixels around the peak of
    the LED's heatmap that agree with the vote of the peak to within half a pixel; other votes are for neighbouring
    glints. Without votes, the position is that of `decode_heatmaps`, and its standard deviation is derived from the
    width of the peak: a heatmap is the Gaussian of the target, blurred by the uncertainty of the position.

    Args:
        output: (B, C or C + 3, h, w) network output.
        num_classes: C.
        stride: image pixels per heatmap pixel.
        sigma_heatmap_px: standard deviation of the Gaussians in the targets, in heatmap pixels.

    Returns:
        points: (B, C, 2) float32, (x, y) in image pixels.
        scores: (B, C) float32, 0..1: height of the peak relative to that of a target with a glint at this position; the
            highest pixel of a target is below 1 if the glint lies between pixels.
        sigmas: (B, C) float32, predicted standard deviation of the position along x and along y, in image pixels.
    """
    logits, votes = split_output(output.float(), num_classes)
    heatmaps = logits.sigmoid()
    if votes is None:
        points, heights, widths = decode_heatmaps(heatmaps, stride)
        sigmas = width_as_sigma(widths, sigma_heatmap_px)
    else:
        heights, peaks = heatmaps.flatten(2).max(dim=-1)
        points, sigmas = fuse_votes(peaks, heatmaps, votes)
        points = scale_points(points, stride, stride)
    away = (points - highest_pixels(heatmaps, stride)) / stride
    return points, full_height(heights, away, sigma_heatmap_px), sigmas * stride


def width_as_sigma(widths: Tensor, sigma_heatmap_px: float) -> Tensor:
    """Standard deviation of a peak's position, from its width and that of the targets, all in heatmap pixels."""
    return (widths**2 - sigma_heatmap_px**2).clamp_min((0.02 * sigma_heatmap_px) ** 2).sqrt()


def full_height(heights: Tensor, away: Tensor, sigma_heatmap_px: float) -> Tensor:
    """Heights of pixels, relative to a Gaussian of height 1 centred `away` (..., 2) heatmap pixels from them.

    Args:
        heights: (...) or broadcast to it.
        away: from the centre of the highest pixel to the position of the glint.
        sigma_heatmap_px: standard deviation of the Gaussian.

    Returns:
        At most 1.
    """
    offset = away.square().sum(dim=-1).clamp(max=_FURTHEST_CORNER**2)
    return (heights * torch.exp(offset / (2 * sigma_heatmap_px**2))).clamp(max=1)


def fuse_votes(peaks: Tensor, heights: Tensor, votes: Tensor) -> tuple[Tensor, Tensor]:
    """Fuses the votes of the 3x3 pixels around each of some peaks, as `decode_output` describes.

    Args:
        peaks: (B, K), flat indices of the pixels of the peaks.
        heights: (B, K, h, w) or (B, 1, h, w), 0..1: the weight of each pixel's vote.
        votes: (B, 3, h, w).

    Returns:
        points: (B, K, 2), (x, y) in heatmap pixels.
        sigmas: (B, K), predicted standard deviations in heatmap pixels.
    """
    K, (h, w) = peaks.shape[1], heights.shape[-2:]
    row = peaks // w
    column = peaks - row * w
    near = torch.arange(-1, 2, device=peaks.device)
    rows = (row[..., None] + near.repeat_interleave(3)).clamp(0, h - 1)  # (B, K, 9)
    columns = (column[..., None] + near.repeat(3)).clamp(0, w - 1)
    index = rows * w + columns
    nearby = votes.flatten(2)[:, None].expand(-1, K, -1, -1).gather(3, index[:, :, None].expand(-1, -1, 3, -1))
    predicted = torch.stack([columns + nearby[:, :, 0], rows + nearby[:, :, 1]], dim=-1)  # (B, K, 9, 2)
    log_scale = nearby[:, :, 2].clamp(*_LOG_SCALE_RANGE)
    height = heights.flatten(2).expand(-1, K, -1).gather(2, index)
    agrees = (predicted - predicted[:, :, 4:5]).norm(dim=-1) <= _AGREE_PX
    weight = height * torch.exp(-2 * log_scale) * agrees + _TINY * (torch.arange(9, device=peaks.device) == 4)
    weight = weight / weight.sum(dim=-1, keepdim=True)
    points = (weight[..., None] * predicted).sum(dim=2)
    sigmas = math.sqrt(3) * (weight * log_scale.exp()).sum(dim=-1)
    return points, sigmas
