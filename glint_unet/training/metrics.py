"""How well glints are found: counted per glint, with the right LED, in image pixels."""

import math

import torch
from torch import Tensor

RIGHT_WITHIN_PX = 2.0
PRESENT_FROM_SCORE = 0.5


class KeypointMetrics:
    """Gathers predictions over an epoch and sums them up once, so that a GPU is never waited for in between.

    A prediction is *found* where its score reaches `PRESENT_FROM_SCORE`, and *right* where it is found, its LED is
    present, and it lies within `RIGHT_WITHIN_PX` of that LED's glint.
    """

    def __init__(self) -> None:
        self._errors_px: list[Tensor] = []
        self._found: list[Tensor] = []

    def add(self, points: Tensor, scores: Tensor, truth: Tensor) -> None:
        """Adds a batch: points and truth (B, C, 2) in image pixels, truth NaN where absent; scores (B, C)."""
        self._errors_px.append((points - truth).norm(dim=-1))
        self._found.append(scores >= PRESENT_FROM_SCORE)

    def summary(self) -> dict[str, float | None]:
        """f1, precision and recall at 2 px, and the median error in px over found glints that are present.

        A figure with nothing to count is None.
        """
        if not self._found:
            return {"f1": None, "precision": None, "recall": None, "px_median": None}
        errors, found = torch.cat(self._errors_px).cpu(), torch.cat(self._found).cpu()
        present = ~errors.isnan()
        num_right = int((found & (errors <= RIGHT_WITHIN_PX)).sum())
        num_found, num_present = int(found.sum()), int(present.sum())
        located = errors[found & present]
        return {
            "f1": _ratio(2 * num_right, num_found + num_present),
            "precision": _ratio(num_right, num_found),
            "recall": _ratio(num_right, num_present),
            "px_median": float(located.median()) if len(located) else None,
        }


def _ratio(part: int, whole: int) -> float | None:
    ratio = part / whole if whole else math.nan
    return ratio if math.isfinite(ratio) else None
