"""Peaks: the brightest places of all heatmaps together, whichever LED each of them is.

Where a network sees a glint but is unsure which LED's it is, the highest pixel of each LED's own heatmap is not enough:
the peaks keep every place where a glint may be, with its score for each LED, for `assignment.py` to decide.

Legend: B batch, M peaks, C glint channels, h w heatmap.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from glint_unet.data.heatmaps import refine_peaks, scale_points
from glint_unet.model.votes import full_height, fuse_votes, split_output, width_as_sigma

_LEAST_PEAKS = 16


def num_peaks(num_leds: int) -> int:
    """M for a number of LEDs: room for the glints and as many bright spots that are none."""
    return max(_LEAST_PEAKS, 2 * num_leds)


def decode_peaks(
    output: Tensor, num_classes: int, stride: int, sigma_heatmap_px: float, num: int | None = None
) -> tuple[Tensor, Tensor, Tensor]:
    """Decodes network output, with or without votes, to the highest peaks of all heatmaps together.

    A peak is a pixel that is the highest of the 3x3 around it in its heatmap, and not lower than the same pixel of any
    other heatmap. Positions are as exact as those of `decode_output`. No shape depends on the values.

    Args:
        output: (B, C or C + 3, h, w) network output.
        num_classes: C.
        stride: image pixels per heatmap pixel.
        sigma_heatmap_px: standard deviation of the Gaussians in the targets, in heatmap pixels.
        num: M, at most `h * w`; None: that of `num_peaks`.

    Returns:
        points: (B, M, 2) float32, (x, y) in image pixels, the highest peak first.
        scores: (B, M, C) float32, 0..1: height of every heatmap at the peak, as `decode_output` measures it; all zero
            where the heatmaps have fewer peaks.
        sigmas: (B, M) float32, predicted standard deviation of the position along x and along y, in image pixels.
    """
    logits, votes = split_output(output.float(), num_classes)
    h, w = logits.shape[-2:]
    union = logits.amax(dim=1)
    is_highest = (logits >= F.max_pool2d(logits, 3, stride=1, padding=1)) & (logits >= union[:, None])
    ranked = union.masked_fill(~is_highest.any(dim=1), -torch.inf).flatten(1)
    heights, peaks = ranked.topk(min(num or num_peaks(num_classes), h * w), dim=1)
    surface = union.sigmoid()[:, None]
    if votes is None:
        points, widths = refine_peaks(peaks, surface.expand(-1, peaks.shape[1], -1, -1))
        sigmas = width_as_sigma(widths, sigma_heatmap_px)
    else:
        points, sigmas = fuse_votes(peaks, surface, votes)
    row = peaks // w
    pixels = torch.stack([peaks - row * w, row], dim=-1)
    scores = logits.sigmoid().flatten(2).transpose(1, 2).gather(1, peaks[..., None].expand(-1, -1, num_classes))
    scores = full_height(scores, (points - pixels)[:, :, None], sigma_heatmap_px)
    scores = scores.masked_fill(heights.isneginf()[..., None], 0.0)
    return scale_points(points, stride, stride), scores, sigmas * stride
