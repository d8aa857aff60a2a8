"""Which labels lie away from what shines around them.

Legend: B images, C LEDs, K = 2R + 1 pixels along each side of the window around a label.
"""

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import box_mean

_SHARE_OF_SIDE, _LEAST_REACH, _MOST_REACH = 0.04, 4, 16  # R, as a share of the image's shorter side
_LEAST_CONTRASTS = 12.0, 5.0  # grey levels of brightness, and of what stands out; nothing shines below them
_AT_LABEL = 0.5  # of the contrast of the window must be found at the label
_NEAR_PX = 1.5
_GROUND_PX = 3  # half the side of what counts as the surroundings of a pixel
_MOST_VALUES = 4_000_000


def is_away_from_light(images: NDArray[np.uint8], keypoints: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Labels with nothing bright at them: something brighter is beside them, or the surroundings are even.

    A label is right if its place is bright (large glints), or stands out from its surroundings (dim glints beside
    bright skin). The ground is the median of the window; what is nearer to another label does not count, since that is
    another glint.

    Args:
        images: (B, H, W) uint8.
        keypoints: (B, C, 2), (x, y) in image pixels; NaN where absent.

    Returns:
        (B, C) bool; False where the glint is absent.
    """
    B, C = keypoints.shape[:2]
    H, W = images.shape[1:]
    reach = int(np.clip(round(_SHARE_OF_SIDE * min(H, W)), _LEAST_REACH, _MOST_REACH))
    away = np.zeros((B, C), np.bool_)
    step = max(1, _MOST_VALUES // (C * C * (2 * reach + 1) ** 2))
    for start in range(0, B, step):
        part = slice(start, start + step)
        away[part] = _away(images[part], keypoints[part], reach)
    return away


def _away(images: NDArray[np.uint8], keypoints: NDArray[np.float32], reach: int) -> NDArray[np.bool_]:
    H, W = images.shape[1:]
    is_present: NDArray[np.bool_] = np.asarray(np.isfinite(keypoints).all(axis=-1))
    points = np.where(is_present[..., None], keypoints, 0)
    offsets = np.arange(-reach, reach + 1)
    columns = np.rint(points[..., 0]).astype(np.int64)[..., None] + offsets  # (B, C, K)
    rows = np.rint(points[..., 1]).astype(np.int64)[..., None] + offsets
    is_inside = ((rows >= 0) & (rows < H))[..., :, None] & ((columns >= 0) & (columns < W))[..., None, :]
    b = np.arange(len(images))[:, None, None, None]
    at = b, rows.clip(0, H - 1)[..., :, None], columns.clip(0, W - 1)[..., None, :]
    distance2 = _distance2(points, rows, columns)
    counts = is_inside & (distance2 <= _nearest_other2(points, is_present, rows, columns))
    away = is_present
    for values, least in zip(_bright_and_outstanding(images), _LEAST_CONTRASTS, strict=True):
        away = away & ~_shines(values[at], counts, counts & (distance2 <= _NEAR_PX**2), least)
    return away


def _shines(
    values: NDArray[np.float32], counts: NDArray[np.bool_], is_near: NDArray[np.bool_], least: float
) -> NDArray[np.bool_]:
    """(B, C) whether the values (B, C, K, K) of windows are high at the label, compared with the rest that counts."""
    ground = np.median(values, axis=(2, 3))
    contrast = np.where(counts, values, -np.inf).max(axis=(2, 3)) - ground
    at_label = np.where(is_near, values, -np.inf).max(axis=(2, 3)) - ground
    shines: NDArray[np.bool_] = (at_label >= _AT_LABEL * contrast) & (contrast >= least)
    return shines


def _bright_and_outstanding(images: NDArray[np.uint8]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """The means of 3x3 pixels, and by how much they exceed those of their wider surroundings: (B, H, W) float32."""
    floats = images.astype(np.float32)
    bright = np.stack([box_mean(one, 1) for one in floats])
    return bright, bright - np.stack([box_mean(one, _GROUND_PX) for one in floats])


def _distance2(points: NDArray[np.float32], rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float32]:
    """(B, C, K, K): squared distance of the pixels of each label's window from the label."""
    down = (rows - points[..., 1:2]) ** 2
    across = (columns - points[..., 0:1]) ** 2
    distance2: NDArray[np.float32] = (down[..., :, None] + across[..., None, :]).astype(np.float32)
    return distance2


def _nearest_other2(
    points: NDArray[np.float32], is_present: NDArray[np.bool_], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.float32]:
    """(B, C, K, K): squared distance of the same pixels from the nearest other label."""
    C = points.shape[1]
    down = (rows[:, :, None] - points[:, None, :, 1, None]) ** 2  # (B, C, C others, K)
    across = (columns[:, :, None] - points[:, None, :, 0, None]) ** 2
    is_other = is_present[:, None, :] & ~np.eye(C, dtype=np.bool_)
    down = np.where(is_other[..., None], down, np.inf)
    nearest: NDArray[np.float32] = (down[..., :, None] + across[..., None, :]).min(axis=2).astype(np.float32)
    return nearest
