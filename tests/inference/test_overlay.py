"""Drawn frames as videos and PNG files, and annotations for LabelMe."""

import cv2
import pytest

from glint_unet.inference.media import Frame
from glint_unet.inference.overlay import Overlay


@pytest.mark.parametrize("fps", [23.976, 29.97, 77.863, 500.0])
def test_an_overlay_of_any_frame_rate_is_written(eyes_run, eyes_frames, tmp_path, fps):
    overlay = Overlay(tmp_path / "o.mp4", fps)
    for number, frame in enumerate(eyes_frames[:5]):
        overlay.add(Frame("eye", number, None, frame), cv2.cvtColor(frame, cv2.COLOR_GRAY2BGR))
    overlay.close()
    written = cv2.VideoCapture(str(tmp_path / "o.mp4"))
    assert written.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert written.get(cv2.CAP_PROP_FPS) == pytest.approx(fps, abs=0.05)
