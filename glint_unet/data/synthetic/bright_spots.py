"""Small bright spots in real images: found, and painted over with what surrounds them."""

import numpy as np
import torch
from numpy.typing import NDArray

from glint_unet.data.augment import darkest_around
from glint_unet.data.synthetic.canvas import Floats, box_mean, smooth

_LEAST_HEIGHT = 10.0  # grey levels
_TEXTURE_FACTOR = 3.0  # least height of a spot in median heights above the opened image
_LEAST_SHARE = 0.15  # of known pixels around one that is filled in
_PASSES = 8


def opened(image: Floats, reach: int) -> Floats:
    """An (H, W) image without what is bright and narrower than 2 * reach + 1 pixels (grey opening)."""
    return -_least_around(-_least_around(image, reach), reach)


def bright_spots(image: Floats, reach: int, where: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """What is brighter than its surroundings and narrower than 2 * reach + 1 pixels, with its fringe.

    Args:
        image: (H, W) float32.
        reach: half the width of the widest spot in pixels.
        where: (H, W) bool, the part of the image whose texture is too low to be a spot; None: all of it.

    Returns:
        (H, W) bool.
    """
    height = image - opened(image, reach)
    threshold = max(_LEAST_HEIGHT, _TEXTURE_FACTOR * float(np.median(height if where is None else height[where])))
    return -_least_around(-(height > threshold).astype(np.float32), max(reach // 3, 1)) > 0


def painted_over(image: Floats, spots: NDArray[np.bool_]) -> Floats:
    """The image with spots replaced by a smooth continuation of what surrounds them.

    Args:
        image: (H, W) float32.
        spots: (H, W) bool.
    """
    if not spots.any():
        return image
    known = (~spots).astype(np.float32)
    filled, reach = image * known, 1
    while not known.all() and reach < max(image.shape):
        share = box_mean(known, reach)
        found = (known == 0) & (share > _LEAST_SHARE)
        filled[found] = (box_mean(filled * known, reach) / np.maximum(share, 1e-6))[found]
        known[found] = 1
        reach += 1
    for _ in range(_PASSES):
        softer = filled.copy()
        smooth(softer)
        filled[spots] = softer[spots]
    return filled


def noise_of(image: Floats) -> float:
    """Standard deviation of the pixel noise of an (H, W) image, robust to edges and spots."""
    inner = image[1:-1, 1:-1]
    laplacian = 4 * inner - image[:-2, 1:-1] - image[2:, 1:-1] - image[1:-1, :-2] - image[1:-1, 2:]
    return float(1.4826 * np.median(np.abs(laplacian)) / np.sqrt(20))


def _least_around(image: Floats, reach: int) -> Floats:
    """The minimum of the pixels up to `reach` away along x and y, (H, W)."""
    return darkest_around(torch.from_numpy(image)[None, None], reach)[0, 0].numpy()
