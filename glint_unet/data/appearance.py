"""What the images of a data set look like: brightness, contrast and size of the eye, as ranges.

A run records them, so that a detector can later compare new images with them (`inference/familiarity.py`).
"""

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Range = tuple[float, float]

_QUANTILES = (0.01, 0.99)
_WHITE = 255.0
_LEAST_GLINTS = 3
_LEAST_LAYOUTS = 10


@dataclass(frozen=True)
class Appearance:
    """Ranges of some figures of images in the size of the network's input: their 1% and 99% quantiles.

    Attributes:
        grey: mean grey level, 0..255.
        contrast: standard deviation of the grey levels.
        size_px: size of the layout of the glints (`layout_sizes`) in pixels; None where too few images show it.
        sigma_px: 95% quantile of the predicted standard deviation of glints found in validation, in pixels; or None.
        num_found: mean number of glints found per validation image; or None.
    """

    grey: Range
    contrast: Range
    size_px: Range | None = None
    sigma_px: float | None = None
    num_found: float | None = None

    @classmethod
    def of_images(cls, images: NDArray[np.uint8], keypoints: NDArray[np.float32]) -> "Appearance":
        """The appearance of images (N, H, W) with keypoints (N, C, 2), NaN where absent."""
        levels, deviations = grey_levels(images)
        sizes = layout_sizes(keypoints)
        return cls(_range(levels), _range(deviations), _range(sizes) if len(sizes) >= _LEAST_LAYOUTS else None)

    @classmethod
    def of_run(cls, dataset: Mapping[str, Any], val_metrics: Mapping[str, Any]) -> "Appearance | None":
        """The appearance of a run's images.

        Args:
            dataset: the record of the run's data set; those of earlier versions have no appearance.
            val_metrics: validation metrics by name, of the epoch of the weights.

        Returns:
            None where none is recorded.

        Raises:
            KeyError, TypeError, ValueError: the record is damaged.
        """
        values = dataset.get("appearance")
        if values is None:
            return None
        found = {"sigma_px": val_metrics.get("sigma_p95"), "num_found": val_metrics.get("found_per_image")}
        return cls.from_dict({**values, **found})

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "Appearance":
        """The inverse of `to_dict`; raises KeyError, TypeError or ValueError for anything else."""
        size_px, sigma_px, num_found = (values.get(name) for name in ("size_px", "sigma_px", "num_found"))
        return cls(
            _checked_range(values["grey"]),
            _checked_range(values["contrast"]),
            None if size_px is None else _checked_range(size_px),
            None if sigma_px is None else _checked_number(sigma_px),
            None if num_found is None else _checked_number(num_found),
        )

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for checkpoints and the metadata of .onnx files; without what is unknown."""
        values = dataclasses.asdict(self)
        return {n: list(v) if isinstance(v, tuple) else v for n, v in values.items() if v is not None}

    def widened(self, scale: float, gain: float) -> "Appearance":
        """The appearance of images that augmentation enlarges or reduces up to `scale`, and whose contrast it changes.

        Args:
            scale: greatest factor of the size, at least 1.
            gain: greatest factor of the grey levels, at least 1.
        """
        return dataclasses.replace(
            self,
            grey=_wider_levels(self.grey, gain, _WHITE),
            contrast=_wider_levels(self.contrast, gain, _WHITE / 2),
            size_px=None if self.size_px is None else _wider(self.size_px, scale),
        )


def grey_levels(images: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (N,) of the grey levels of images (N, H, W)."""
    return images.mean(axis=(1, 2)), images.std(axis=(1, 2))


def layout_sizes(points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Root mean square distance of the glints of an image from their centre.

    Args:
        points: (N, C, 2), (x, y); NaN where absent.

    Returns:
        (n,) float64, of the images with at least 3 glints, or both of two LEDs; in the unit of the points.
    """
    points = np.asarray(points, np.float64)
    enough = np.isfinite(points).all(axis=-1).sum(axis=-1) >= max(2, min(_LEAST_GLINTS, points.shape[1]))
    shown = points[enough]
    sizes: NDArray[np.float64] = np.sqrt(np.nanvar(shown, axis=1).sum(axis=-1)) if len(shown) else np.zeros(0)
    return sizes


def _range(values: NDArray[np.float64]) -> Range:
    low, high = np.quantile(values, _QUANTILES).tolist()
    return round(low, 2), round(high, 2)


def _checked_range(pair: Any) -> Range:
    low, high = map(_checked_number, pair)
    if low > high:
        raise ValueError(f"range {low} to {high}")
    return low, high


def _checked_number(value: Any) -> float:
    number = float(value)
    if not 0 <= number < math.inf:
        raise ValueError(f"{number} is not a size")
    return number


def _wider(pair: Range, factor: float) -> Range:
    return round(pair[0] / factor, 2), round(pair[1] * factor, 2)


def _wider_levels(pair: Range, factor: float, most: float) -> Range:
    """Wider on both sides; what is left up to the greatest possible value shrinks by no more than the factor."""
    low, high = _wider(pair, factor)
    return low, min(high, round(most - (most - pair[1]) / factor, 2))
