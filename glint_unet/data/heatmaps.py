"""Keypoints -> heatmaps -> sub-pixel keypoints.

Frames. A point is (x, y) in pixels of the input image, and (0, 0) is the *centre* of the top-left pixel. A heatmap of
stride s covers the same area with pixels s times as large, so heatmap pixel j is centred on image coordinate
`(j + 0.5) * s - 0.5`. Resizing an image moves its points in the same way.

Legend: B batch, C glint channels, h w heatmap.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from glint_unet.config import TrainConfig

LEAST_PEAK = 0.5  # of a heatmap whose glint is present

_TINY = 1e-8


def target_sigma_heatmap_px(config: TrainConfig, stride: int, stored_heatmap_px: float) -> float:
    """Standard deviation, in heatmap pixels, of the heatmaps that a run learns.

    Args:
        config: `sigma_px` (image pixels) holds where `targets` are rendered from keypoints.
        stride: image pixels per heatmap pixel.
        stored_heatmap_px: of the heatmaps in the data set, in heatmap pixels.
    """
    return stored_heatmap_px if config.targets == "file" else config.sigma_px / stride


def scale_points(points: Tensor, scale_x: float, scale_y: float) -> Tensor:
    """Moves points with the image that is resized under them.

    Args:
        points: (..., 2), (x, y) with (0, 0) the centre of the top-left pixel.
        scale_x: new width / old width; scale_y likewise.

    Returns:
        (..., 2) points in the new image's frame; NaN stays NaN.
    """
    x, y = (points + 0.5).unbind(dim=-1)
    return torch.stack([x * scale_x, y * scale_y], dim=-1) - 0.5


def render_heatmaps(keypoints: Tensor, size: tuple[int, int], stride: int, sigma_heatmap_px: Tensor | float) -> Tensor:
    """One Gaussian per present keypoint, centred at its true sub-pixel position, peak value 1.

    Args:
        keypoints: (B, C, 2) float, (x, y) in image pixels; NaN where absent.
        size: (h, w) of the heatmap.
        stride: image pixels per heatmap pixel.
        sigma_heatmap_px: standard deviation in heatmap pixels: one number, or (B, C).

    Returns:
        (B, C, h, w) float32 in [0, 1]; all zero where the keypoint is absent.
    """
    points = scale_points(keypoints.float(), 1 / stride, 1 / stride)
    sigma = sigma_heatmap_px[..., None] if isinstance(sigma_heatmap_px, Tensor) else sigma_heatmap_px
    columns = torch.arange(size[1], device=points.device) - points[..., 0:1]  # (B, C, w)
    rows = torch.arange(size[0], device=points.device) - points[..., 1:2]  # (B, C, h)
    across = torch.exp(-(columns**2) / (2 * sigma**2))
    down = torch.exp(-(rows**2) / (2 * sigma**2))
    return (down[..., :, None] * across[..., None, :]).nan_to_num(0.0)


def decode_heatmaps(heatmaps: Tensor, stride: int) -> tuple[Tensor, Tensor, Tensor]:
    """The highest peak of each heatmap, to a fraction of a pixel.

    The logarithm of a Gaussian is a parabola, so one Newton step from the arg-max on log-values is exact on it
    (DARK: Zhang et al., "Distribution-aware coordinate representation", CVPR 2020, eq. 9, here along x and y).
    At a border the three-point stencil is moved inside, where the same parabola is seen.

    Args:
        heatmaps: (B, C, h, w) float in [0, 1].
        stride: image pixels per heatmap pixel.

    Returns:
        points: (B, C, 2) float32, (x, y) in image pixels.
        scores: (B, C) float32, the value of the highest pixel.
        widths: (B, C) float32, the peak's standard deviation in heatmap pixels, of its curvature along x and y.
    """
    B, C, h, w = heatmaps.shape
    flat = heatmaps.float().reshape(B, C, h * w)
    scores, index = flat.max(dim=-1)
    row, column = index // w, index % w
    log = flat.clamp_min(_TINY).log()
    x, across = _parabola_peak(log, column, w, lambda c: row * w + c)
    y, down = _parabola_peak(log, row, h, lambda r: r * w + column)
    return scale_points(torch.stack([x, y], dim=-1), stride, stride), scores, ((across + down) / 2).sqrt()


def highest_pixels(heatmaps: Tensor, stride: int) -> Tensor:
    """Centre of the highest pixel of each heatmap: (B, C, 2) float32, (x, y) in image pixels."""
    index = heatmaps.flatten(2).argmax(dim=-1)
    w = heatmaps.shape[-1]
    return scale_points(torch.stack([index % w, index // w], dim=-1).float(), stride, stride)


def _parabola_peak(log: Tensor, peak: Tensor, length: int, at: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Vertex of the parabola through the log-values around `peak` (B, C) on one axis, and its Gaussian's variance.

    `at` gives flat indices.
    """
    if length < 3:
        return peak.float(), torch.full_like(peak, length**2 / 12, dtype=torch.float32)
    middle = peak.clamp(1, length - 2)
    left, centre, right = (log.gather(-1, at(middle + k)[..., None])[..., 0] for k in (-1, 0, 1))
    curvature = (left - 2 * centre + right).clamp(max=-_TINY)
    vertex = middle + (left - right) / (2 * curvature)
    variance = (-1 / curvature).clamp(max=length**2 / 12)  # a flat map says nothing: the width of an even spread
    return torch.where((vertex - peak).abs() <= 1.0, vertex, peak.float()), variance


def keypoints_of_heatmaps(heatmaps: Tensor, stride: int, least_peak: float = LEAST_PEAK) -> Tensor:
    """The keypoints that heatmaps alone imply: (B, C, 2) float32, NaN where no peak reaches `least_peak`."""
    points, scores, _ = decode_heatmaps(heatmaps, stride)
    return points.masked_fill((scores < least_peak)[..., None], float("nan"))
