"""The one line of `predict` and `live` about images unlike those of the training."""

from typing import TYPE_CHECKING

from glint_unet.console import say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from glint_unet.inference.familiarity import Familiarity
    from glint_unet.inference.predictor import Glints


class FamiliarityNotice:
    """Prints at most one line: as soon as enough frames have been compared, or at the end.

    Args:
        familiarity: a new comparison.
    """

    def __init__(self, familiarity: "Familiarity") -> None:
        self._familiarity = familiarity
        self._is_done = False

    def add(self, images: "NDArray[np.uint8]", glints: "Glints") -> None:
        """Adds frames (B, H, W) uint8 and their glints."""
        if not self._is_done:
            self._familiarity.add(images, glints.points, glints.sigmas)
            if self._familiarity.is_complete:
                self.end()

    def end(self) -> None:
        """Prints the line if most of the frames are unlike those of the training, unless that is done."""
        if not self._is_done and (found := self._familiarity.unfamiliar()):
            say(found.describe())
        self._is_done = True
