"""The page that `predict` prints where no table is written: how many glints, where they are, and what to do next."""

from pathlib import Path
from typing import TYPE_CHECKING

from glint_unet.cli.tables import aligned
from glint_unet.messages import text
from glint_unet.pretrained import CARD, WEIGHTS, is_pretrained

if TYPE_CHECKING:
    from glint_unet.data.media import Frame
    from glint_unet.inference.predictor import GlintDetector, Glints


class GlintPage:
    """Collects the glints of frames and describes them.

    Args:
        detector: finds the glints.
        run: the run as the user gives it.
    """

    def __init__(self, detector: "GlintDetector", run: str) -> None:
        self._detector, self._run = detector, run
        self._num_frames = self._num_glints = self._num_empty = 0
        self._lines_of_first: list[str] = []

    def add(self, frames: "list[Frame]", glints: "Glints") -> None:
        """Adds intact frames and their glints."""
        if not self._num_frames:
            self._lines_of_first = self._table(frames[0], glints)
        found = glints.present.sum(axis=1)
        self._num_frames += len(frames)
        self._num_glints += int(found.sum())
        self._num_empty += int((found == 0).sum())

    def lines(self, picture: Path | None) -> list[str]:
        """The page: of a single frame, each of its glints; of several, how many there are."""
        mean = self._num_glints / max(self._num_frames, 1)
        several = text("page_frames", num=self._num_frames, mean=mean, empty=self._num_empty)
        lines = self._lines_of_first if self._num_frames == 1 else [several]
        lines = [*lines, text("picture_written", path=picture)]
        if self._num_glints == 0:
            lines.append(text("page_no_glints", H=self._detector.image_size[0], W=self._detector.image_size[1]))
        elif not self._detector.names_leds:
            lines.append(text("page_unnamed"))
        if is_pretrained(self._run):
            lines.append(text("page_pretrained", path=WEIGHTS / CARD))
        return [*lines, text("page_table")]

    def _table(self, frame: "Frame", glints: "Glints") -> list[str]:
        assert frame.image is not None
        H, W = frame.image.shape
        num, threshold = int(glints.present[0].sum()), self._detector.threshold
        head = text("page_image", source=frame.source, W=W, H=H, num=num, threshold=threshold)
        rows = [text("page_columns").split()]
        for channel, label in enumerate(self._detector.labels()):
            if glints.present[0, channel]:
                x, y = glints.points[0, channel]
                sigma, score = glints.sigmas[0, channel], glints.scores[0, channel]
                rows.append([label, f"{x:.2f}", f"{y:.2f}", f"{sigma:.2f}", f"{score:.2f}"])
        return [head, *(f"  {line}" for line in aligned(rows))] if num else [head]
