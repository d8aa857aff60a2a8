"""What a report shows of a model on images whose glints are known: predictions, and examples good and bad."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glint_unet.model.predictions import Predictions
from glint_unet.report.examples import Example, predicted_examples

_OF_EACH_KIND = 3

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Judged:
    """Predictions of a model, and some of their images.

    Attributes:
        predictions: of N images.
        labels: of the C LEDs.
        examples: 'worst', 'middle' and 'best' -> examples; few images make fewer of each.
    """

    predictions: Predictions
    labels: Sequence[str]
    examples: dict[str, list[Example]]

    @classmethod
    def of(
        cls,
        predictions: Predictions,
        labels: Sequence[str],
        images_of: Callable[[Rows], NDArray[np.uint8]],
        names_of: Callable[[Rows], Sequence[str]],
    ) -> "Judged":
        """Chooses the examples.

        Args:
            predictions: of N images, at least one.
            labels: of the C LEDs.
            images_of: gives images (n, H, W) uint8 by their places 0 .. N - 1.
            names_of: gives their names.
        """
        examples = {}
        for kind, chosen in example_places(predictions).items():
            examples[kind] = predicted_examples(images_of(chosen), predictions.rows(chosen), names_of(chosen), labels)
        return cls(predictions, labels, examples)


def example_places(predictions: Predictions) -> dict[str, Rows]:
    """The places of the images to show by kind: the worst first, those in the middle, the best first."""
    order = predictions.worst_first()
    num = min(_OF_EACH_KIND, max(1, len(order) // 3))
    middle = (len(order) - num) // 2
    chosen = {"worst": order[:num]}
    if len(order) > 2:
        chosen["middle"] = order[middle : middle + num]
    if len(order) > 1:
        chosen["best"] = order[::-1][:num]
    return chosen
