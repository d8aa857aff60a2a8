"""Each video of an input is a recording of its own."""

import numpy as np

from glint_unet.data.media import Frame
from glint_unet.inference.over_time import OverTime
from tests.inference.test_smoothing import glints_of, noisy


def frames_of(source, num, fps=100.0):
    return [Frame(source, k, k / fps if fps else None, None) for k in range(num)]


def test_videos_are_recordings_of_their_own_and_tracks_do_not_go_on_between_them():
    points = np.tile([[[100.0, 50.0]]], (20, 1, 1))
    over_time = OverTime("*.avi", ["g1"], None, None, smooth=True)
    found = over_time([*frames_of("a.avi", 10), *frames_of("b.avi", 10)], glints_of(noisy(points)))
    assert [recording.rows()[0]["source"] for recording in over_time.recordings] == ["a.avi", "b.avi"]
    assert [recording.rows()[0]["frames"] for recording in over_time.recordings] == [10, 10]
    alone = OverTime("b.avi", ["g1"], None, None, smooth=True)
    second = glints_of(noisy(points))
    expected = alone(frames_of("b.avi", 10), type(second)(*(part[10:] for part in second)))
    assert np.array_equal(found.points[10:], expected.points)


def test_a_folder_of_images_is_one_recording_and_unsmoothed_glints_stay_as_they_are():
    glints = glints_of(noisy(np.tile([[[100.0, 50.0]]], (4, 1, 1))))
    over_time = OverTime("frames", ["g1"], None, None, smooth=False)
    frames = [Frame(f"frames/{k}.png", 0, None, None) for k in range(4)]
    assert np.array_equal(over_time(frames, glints).points, glints.points)
    assert len(over_time.recordings) == 1
