"""The line about unlike images is printed once: as soon as enough frames are there, or at the end."""

import numpy as np
import pytest

from glint_unet.cli.familiarity_notice import FamiliarityNotice
from glint_unet.data.appearance import Appearance
from glint_unet.data.images import Placement
from glint_unet.inference.familiarity import ENOUGH_FRAMES, Familiarity
from glint_unet.inference.predictor import Glints


def notice_of(trained):
    return FamiliarityNotice(Familiarity(trained, lambda size: Placement.of(size, (16, 16))))


def add(notice, num, grey):
    nothing = np.full((num, 2), np.nan, np.float32)
    points = np.full((num, 2, 2), np.nan, np.float32)
    notice.add(np.full((num, 16, 16), grey, np.uint8), Glints(points, nothing, nothing, np.isfinite(nothing)))


@pytest.mark.parametrize(("num", "lines_before_the_end"), [(ENOUGH_FRAMES, 1), (20, 0)])
def test_it_is_printed_once_when_enough_frames_are_there_or_at_the_end(capsys, num, lines_before_the_end):
    notice = notice_of(Appearance((90.0, 120.0), (0.0, 60.0)))
    add(notice, num // 2, 9)
    add(notice, num // 2, 9)
    assert capsys.readouterr().out.count("\n") == lines_before_the_end
    notice.end()
    assert capsys.readouterr().out.count("\n") == 1 - lines_before_the_end
    add(notice, ENOUGH_FRAMES, 9)
    notice.end()
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("trained", [None, Appearance((90.0, 120.0), (0.0, 60.0))])
def test_nothing_is_printed_of_familiar_images_or_without_a_record(capsys, trained):
    notice = notice_of(trained)
    add(notice, 30, 100 if trained else 9)
    notice.end()
    assert capsys.readouterr().out == ""
