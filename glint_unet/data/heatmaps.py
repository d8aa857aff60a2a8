"""Renders keypoints as heatmaps, and decodes heatmaps to sub-pixel keypoints.

Frames: a point is (x, y) in pixels of the input image, and (0, 0) is the *centre* of the top-left pixel. A heatmap of
stride s covers the same area with pixels s times as large, so heatmap pixel j is centred on image coordinate
`(j + 0.5) * s - 0.5`. Resizing an image moves its points in the same way.

Legend: B batch, C glint channels, h w heatmap.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from glint_unet.config import TrainConfig

LEAST_PEAK = 0.5  # a glint is present if the peak of its heatmap is at least this high

_TINY = 1e-8


def target_sigma_heatmap_px(config: TrainConfig, stride: int, stored_heatmap_px: float) -> float:
    """Standard deviation of the target heatmaps of a run, in heatmap pixels.

    Args:
        config: `sigma_px` (image pixels) applies if the targets are rendered from keypoints.
        stride: image pixels per heatmap pixel.
        stored_heatmap_px: standard deviation of the heatmaps in the file, in heatmap pixels.
    """
    return stored_heatmap_px if config.targets == "file" else config.sigma_px / stride


def scale_points(points: Tensor, scale_x: float, scale_y: float) -> Tensor:
    """Transforms points to the frame of the resized image.

    Args:
        points: (..., 2), (x, y) with (0, 0) the centre of the top-left pixel.
        scale_x: new width / old width.
        scale_y: new height / old height.

    Returns:
        (..., 2) points in the frame of the resized image; NaN stays NaN.
    """
    x, y = (points + 0.5).unbind(dim=-1)
    return torch.stack([x * scale_x, y * scale_y], dim=-1) - 0.5


def render_heatmaps(keypoints: Tensor, size: tuple[int, int], stride: int, sigma_heatmap_px: Tensor | float) -> Tensor:
    """Renders one Gaussian of height 1 per present keypoint, centred at its exact sub-pixel position.

    Args:
        keypoints: (B, C, 2) float, (x, y) in image pixels; NaN where absent.
        size: (h, w) of the heatmap.
        stride: image pixels per heatmap pixel.
        sigma_heatmap_px: standard deviation in heatmap pixels: a number, or a (B, C) tensor.

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
    """Locates the highest peak of each heatmap with sub-pixel accuracy.

    The logarithm of a Gaussian is a parabola, so one Newton step from the arg-max on log-values is exact (DARK: Zhang
    et al., "Distribution-aware coordinate representation", CVPR 2020, eq. 9, here along x and y separately). At a
    border the three-point stencil is shifted inwards, where it samples the same parabola.

    Args:
        heatmaps: (B, C, h, w) float in [0, 1].
        stride: image pixels per heatmap pixel.

    Returns:
        points: (B, C, 2) float32, (x, y) in image pixels.
        scores: (B, C) float32, the value of the highest pixel.
        widths: (B, C) float32, standard deviation of the peak in heatmap pixels, from its curvature along x and y.
    """
    scores, peaks = heatmaps.float().flatten(2).max(dim=-1)
    points, widths = refine_peaks(peaks, heatmaps.float())
    return scale_points(points, stride, stride), scores, widths


def refine_peaks(peaks: Tensor, heatmaps: Tensor) -> tuple[Tensor, Tensor]:
    """Locates one peak of each heatmap with sub-pixel accuracy, as `decode_heatmaps` describes.

    Args:
        peaks: (B, C), flat indices of the highest pixels of the peaks.
        heatmaps: (B, C, h, w) float32 in [0, 1].

    Returns:
        points: (B, C, 2) float32, (x, y) in heatmap pixels.
        widths: (B, C) float32, standard deviation of the peak in heatmap pixels.
    """
    h, w = heatmaps.shape[-2:]
    row = peaks // w
    column = peaks - row * w
    log = heatmaps.flatten(2).clamp_min(_TINY).log()
    x, across = _parabola_peak(log, column, w, lambda c: row * w + c)
    y, down = _parabola_peak(log, row, h, lambda r: r * w + column)
    return torch.stack([x, y], dim=-1), ((across + down) / 2).sqrt()


def highest_pixels(heatmaps: Tensor, stride: int) -> Tensor:
    """Centre of the highest pixel of each heatmap: (B, C, 2) float32, (x, y) in image pixels."""
    index = heatmaps.flatten(2).argmax(dim=-1)
    w = heatmaps.shape[-1]
    row = index // w
    return scale_points(torch.stack([index - row * w, row], dim=-1).float(), stride, stride)


def _parabola_peak(log: Tensor, peak: Tensor, length: int, at: Callable[[Tensor], Tensor]) -> tuple[Tensor, Tensor]:
    """Fits a parabola to the log-values around `peak` along one axis.

    Args:
        log: (B, C, h * w) log-values.
        peak: (B, C) position of the highest pixel along the axis.
        length: pixels along the axis.
        at: maps positions along the axis to flat indices.

    Returns:
        The vertex, and the variance of the corresponding Gaussian, both (B, C).
    """
    if length < 3:
        return peak.float(), torch.full_like(peak, length**2 / 12, dtype=torch.float32)
    middle = peak.clamp(1, length - 2)
    left, centre, right = (log.gather(-1, at(middle + k)[..., None])[..., 0] for k in (-1, 0, 1))
    curvature = (left - 2 * centre + right).clamp(max=-_TINY)
    vertex = middle + (left - right) / (2 * curvature)
    variance = (-1 / curvature).clamp(max=length**2 / 12)  # a flat map: at most that of a uniform distribution
    return torch.where((vertex - peak).abs() <= 1.0, vertex, peak.float()), variance


def keypoints_of_heatmaps(heatmaps: Tensor, stride: int, least_peak: float = LEAST_PEAK) -> Tensor:
    """Keypoints (B, C, 2) float32 from heatmaps; NaN where the peak is lower than `least_peak`."""
    points, scores, _ = decode_heatmaps(heatmaps, stride)
    return points.masked_fill((scores < least_peak)[..., None], float("nan"))
