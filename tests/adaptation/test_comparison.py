"""A model is better where its views agree at least as much and what was certain stays so."""

import pytest

from glint_unet.adaptation.comparison import SelfAgreement
from glint_unet.inference.predictor import GlintDetector


@pytest.mark.parametrize(
    ("before", "after", "certain", "kept", "is_better"),
    [
        ([0.5, 0.5], [0.9, 0.9], 10, 10, True),
        ([0.5], [0.5], 10, 10, True),
        ([0.5], [0.4], 10, 10, False),
        ([0.5], [1.0], 100, 94, False),
        ([0.5], [1.0], 100, 95, True),
        ([0.5], [], 1, 0, False),
        ([], [], 0, 0, True),
    ],
)
def test_less_agreement_or_lost_glints_are_not_better(before, after, certain, kept, is_better):
    assert SelfAgreement(before, after, certain, kept).is_better is is_better


def test_a_model_is_as_good_as_itself_and_better_than_one_that_finds_nothing(eyes_run, eyes_frames):
    detector, blind = GlintDetector.load(eyes_run), GlintDetector.load(eyes_run, threshold=1.0)
    same, worse = SelfAgreement(), SelfAgreement()
    for frame in eyes_frames[:6]:
        same.add(detector, detector, frame)
        worse.add(detector, blind, frame)
    assert same.num_certain == same.num_kept > 0
    assert same.is_better
    assert not worse.is_better
