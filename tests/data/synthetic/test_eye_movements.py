"""A synthetic recording moves like an eye, and is a function of its seed."""

import numpy as np

from glint_unet.data.synthetic.eye_movements import eye_movements, render_recording
from glint_unet.data.synthetic.rig import Rig

RIG = Rig.ring(4, image_size=(48, 64), stride=2, level="easy")


def test_gaze_rests_and_jumps_and_lids_close_now_and_then():
    poses = eye_movements(1, 2500, 500.0)
    speeds = np.linalg.norm(np.diff([pose.gaze for pose in poses], axis=0), axis=-1) * 30 * 500  # degrees/s
    assert np.median(speeds) < 30
    assert 100 < speeds.max() < 1000
    openings = np.array([pose.opening for pose in poses])
    assert openings.min() == 0
    assert 0.8 < (openings == 1).mean() < 0.98


def test_a_recording_is_one_person_in_changing_noise_and_a_function_of_its_seed():
    frames, keypoints = zip(*render_recording(RIG, 3, 8, fps=500.0), strict=True)
    again = list(render_recording(RIG, 3, 8, fps=500.0))
    assert all((one == other).all() for one, (other, _) in zip(frames, again, strict=True))
    assert (frames[0] != frames[1]).any()
    assert np.abs(frames[0].astype(float) - frames[1]).mean() < 10
    assert np.nanmax(np.abs(np.diff(keypoints, axis=0))) < 3
    other, _ = next(iter(render_recording(RIG, 4, 1)))
    assert np.abs(other.astype(float) - frames[0]).mean() > 10


def test_glints_are_absent_while_the_eye_is_closed():
    poses = eye_movements(1, 700, 500.0)
    closed = min(k for k, pose in enumerate(poses) if pose.opening == 0)
    for k, (_, keypoints) in enumerate(render_recording(RIG, 1, closed + 1, fps=500.0)):
        if k == closed:
            assert np.isnan(keypoints).all()
