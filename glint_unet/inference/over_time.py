"""The glints of an input as recordings over time: smoothed, and their data quality collected, one recording each."""

from collections.abc import Sequence

import numpy as np

from glint_unet.data.media import Frame
from glint_unet.inference.predictor import Glints
from glint_unet.inference.recording_quality import RecordingQuality
from glint_unet.inference.smoothing import Smoother


class OverTime:
    """Follows the LEDs of every recording of an input; each video is one, other frames together are one.

    Args:
        name: of the input.
        labels: names of the LEDs.
        fps: frames per second of a single video; None: unknown.
        px_per_deg: see `RecordingQuality`.
        smooth: whether to smooth the glints.

    Attributes:
        recordings: the quality of each recording so far.
    """

    def __init__(
        self, name: str, labels: list[str], fps: float | None, px_per_deg: float | None, *, smooth: bool
    ) -> None:
        self.recordings: list[RecordingQuality] = []
        self._name, self._labels, self._fps, self._px_per_deg, self._smooth = name, labels, fps, px_per_deg, smooth
        self._source: str | None = None

    def __call__(self, frames: Sequence[Frame], glints: Glints) -> Glints:
        """The glints of the next frames, smoothed if that is wanted."""
        parts = [self._frame(frame, glints.of_frame(k)) for k, frame in enumerate(frames)]
        return Glints(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))

    def _frame(self, frame: Frame, glints: Glints) -> Glints:
        source = self._name if frame.time_s is None else frame.source
        if source != self._source:
            self._source, self._smoother = source, Smoother(len(self._labels))
            self.recordings.append(RecordingQuality(source, self._labels, self._fps, self._px_per_deg))
        glints = self._smoother(glints) if self._smooth else glints
        self.recordings[-1].add(glints)
        return glints
