"""Frames are chosen evenly, and the same ones each time."""

import pytest

from glint_unet.adaptation.frames import choose_frames
from glint_unet.data.media import open_media


@pytest.mark.parametrize("most", [10, 100])
def test_the_same_frames_are_chosen_each_time(eyes_video, most):
    media = open_media(str(eyes_video))
    chosen = list(choose_frames(media, most))
    assert len(chosen) == min(most, 40)
    assert [one.place for one in chosen] == list(range(len(chosen)))
    assert [one.is_held_back for one in chosen] == [one.is_held_back for one in choose_frames(media, most)]


def test_a_fifth_of_few_frames_is_held_back_and_a_tenth_of_many(eyes_h5, tmp_path):
    few = list(choose_frames(open_media(str(eyes_h5)), 100))
    assert sum(one.is_held_back for one in few) == len(few) // 5 == 12
    media = open_media(str(eyes_h5))
    many = list(choose_frames(type(media)("three times", media.paths * 3, 180), 150))
    assert len(many) == 150
    assert sum(one.is_held_back for one in many) == 15
