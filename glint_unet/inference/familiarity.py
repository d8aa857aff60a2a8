"""Whether images look like those that a detector was trained on; `predict` and `live` report it once if they do not."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.appearance import Appearance, Range, grey_levels, layout_sizes
from glint_unet.data.images import Placement, place_image
from glint_unet.messages import text

ENOUGH_FRAMES = 100
LEAST_FRAMES = 8
_FEW = 1 / 3
_FEWER = 0.8


class Unfamiliar(NamedTuple):
    """A figure by which most of the images differ from those of the training.

    Attributes:
        figure: 'grey', 'contrast', 'size_px', 'num_found' or 'sigma_px'; see `Appearance`.
        value: its median over the frames (num_found: the mean).
        low, high: the range in training.
        num: number of frames that were compared.
    """

    figure: str
    value: float
    low: float
    high: float
    num: int

    def describe(self) -> str:
        """One line: what differs, by how much, and what to change."""
        values = self._asdict()
        if self.figure == "grey":
            return text("unfamiliar_grey", **values)
        if self.figure == "contrast":
            return text("unfamiliar_contrast", **values)
        if self.figure == "num_found":
            return text("unfamiliar_few", **values)
        if self.figure == "sigma_px":
            return text("unfamiliar_sigma", **values)
        return text("unfamiliar_smaller", **values) if self.value < self.low else text("unfamiliar_larger", **values)


class Familiarity:
    """Compares the first frames of an input with the images that the model was trained on.

    Args:
        appearance: of the images of the training; None: nothing is ever unfamiliar.
        place: the placement of an image of a given size (H, W) in the network's input.
    """

    def __init__(self, appearance: Appearance | None, place: Callable[[tuple[int, int]], Placement]) -> None:
        self._appearance = appearance
        self._place = place
        self._num = 0
        self._figures: dict[str, list[float]] = {name: [] for name in ("grey", "contrast", "size_px", "sigma_px")}

    @property
    def is_complete(self) -> bool:
        """Whether enough frames have been added; later ones are ignored."""
        return self._appearance is None or self._num >= ENOUGH_FRAMES

    def add(self, images: NDArray[np.uint8], points: NDArray[np.float32], sigmas: NDArray[np.float32]) -> None:
        """Adds the glints of frames.

        Args:
            images: (B, H, W) uint8 grey levels, as given to the detector.
            points, sigmas: those of the detector's `Glints`.
            sigmas: see points.
        """
        if self.is_complete:
            return
        rest = ENOUGH_FRAMES - self._num
        images, points, sigmas = images[:rest], points[:rest], sigmas[:rest]
        placement = self._place((images.shape[1], images.shape[2]))
        levels, deviations = grey_levels(np.stack([place_image(image, placement) for image in images]))
        sizes = layout_sizes(placement.forth(points))
        found = sigmas[np.isfinite(points).all(axis=-1)] * placement.mean_scale
        for values, new in zip(self._figures.values(), (levels, deviations, sizes, found), strict=True):
            values.extend(new.tolist())
        self._num += len(images)

    def unfamiliar(self) -> Unfamiliar | None:
        """The first figure by which most of the frames added so far differ; None if there is none, or few frames.

        Eyes of another size count only if fewer glints than in validation are found in them, or less certain ones.
        """
        trained = self._appearance
        if trained is None or self._num < LEAST_FRAMES:
            return None
        for name, pair in (("grey", trained.grey), ("contrast", trained.contrast)):
            if found := self._outside(name, pair):
                return found
        if trained.size_px and (found := self._outside("size_px", trained.size_px)) and self._suffers(trained):
            return found
        if trained.sigma_px is None:  # the model found nothing in validation either
            return None
        usual = trained.num_found or 0.0
        if self._num_found < usual * _FEW:
            return Unfamiliar("num_found", self._num_found, usual, usual, self._num)
        return self._outside("sigma_px", (0.0, trained.sigma_px))

    @property
    def _num_found(self) -> float:
        """Mean number of glints found per frame."""
        return len(self._figures["sigma_px"]) / self._num

    def _suffers(self, trained: Appearance) -> bool:
        """Whether less is found than in validation, or with less certainty; true where validation does not tell."""
        if trained.sigma_px is None or trained.num_found is None:
            return True
        is_less = self._num_found < trained.num_found * _FEWER
        return is_less or self._outside("sigma_px", (0.0, trained.sigma_px)) is not None

    def _outside(self, name: str, pair: Range) -> Unfamiliar | None:
        """The median of a figure, if it is outside the range."""
        values, (low, high) = self._figures[name], pair
        if len(values) < LEAST_FRAMES:
            return None
        median = float(np.median(values))
        if low <= median <= high:
            return None
        return Unfamiliar(name, median, low, high, self._num)
