"""The report survives being written and read; frames are drawn before and after."""

import json

import cv2

from glint_unet.adaptation.comparison import FrameReport
from glint_unet.adaptation.report import AdaptReport, Example, draw_examples
from glint_unet.inference.predictor import GlintDetector


def test_a_report_is_the_same_after_json():
    frames = (FrameReport("a.png", 0, False, 1, 2), FrameReport("b.png", 0, True, 0, 0))
    report = AdaptReport("run", "images", True, 2, 0, 2, 9, 0.5, 0.9, 4, 4, 0.5, 1.0, 0.4, 0.5, frames)
    assert AdaptReport.from_dict(json.loads(json.dumps(report.to_dict()))) == report


def test_frames_of_different_sizes_are_drawn_even_where_nothing_is_found(eyes_run, eyes_frames, tmp_path):
    detector, blind = GlintDetector.load(eyes_run), GlintDetector.load(eyes_run, threshold=1.0)
    frames = [eyes_frames[0], eyes_frames[1][:40], eyes_frames[2]]
    examples = [Example(frame, blind(frame), detector(frame)) for frame in frames]
    for several in (examples, examples[:1]):
        draw_examples(several, detector.labels(), tmp_path / "a.png", ("before", "after"))
        assert cv2.imread(str(tmp_path / "a.png")).std() > 10
    nothing = [Example(frame, blind(frame), blind(frame)) for frame in frames]
    draw_examples(nothing, blind.labels(), tmp_path / "b.png", ("before", "after"))
    assert (tmp_path / "b.png").exists()
