"""Drawn frames as videos and PNG files, and annotations for LabelMe."""

import math
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from glint_unet.data.media import Frame, Media, open_media
from glint_unet.errors import DatasetError, SettingError
from glint_unet.inference.overlay import LabelMeFolder, PictureOverlay, VideoOverlay, draw_glints, path_beside
from glint_unet.inference.predictor import GlintDetector, Glints


@pytest.mark.parametrize("fps", [23.976, 29.97, 77.863, 500.0])
def test_an_overlay_of_any_frame_rate_is_written(eyes_run, eyes_frames, tmp_path, fps):
    overlay = VideoOverlay(tmp_path / "o.mp4", fps)
    for number, frame in enumerate(eyes_frames[:5]):
        overlay.add(Frame("eye", number, None, frame), np.stack([frame] * 3, axis=-1))
    overlay.close()
    written = cv2.VideoCapture(str(tmp_path / "o.mp4"))
    assert written.get(cv2.CAP_PROP_FRAME_COUNT) == 5
    assert written.get(cv2.CAP_PROP_FPS) == pytest.approx(fps, abs=0.05)


def added(overlay, frames):
    with overlay:
        for number, frame in enumerate(frames):
            overlay.add(Frame("eye", number, None, frame), np.stack([frame] * 3, axis=-1))
            if number == 3:
                raise RuntimeError("in the middle")


@pytest.mark.parametrize("suffix", [".avi", ".mp4"])
def test_a_video_has_its_name_when_it_is_whole_and_not_before(eyes_frames, tmp_path, suffix):
    path = tmp_path / f"o{suffix}"
    added(VideoOverlay(path, 25), eyes_frames[:3])
    whole = path.read_bytes()
    with pytest.raises(RuntimeError, match="in the middle"):
        added(VideoOverlay(path, 25), eyes_frames)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]
    assert path.read_bytes() == whole
    added(VideoOverlay(tmp_path / f"nothing{suffix}", 25), [])
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("fps", [None, 0.0, -1.0, math.nan, math.inf])
def test_a_camera_that_does_not_know_its_frame_rate_is_drawn_at_30(eyes_frames, tmp_path, fps):
    path = tmp_path / "o.avi"
    with VideoOverlay(path, fps) as overlay:
        for k in range(2):
            picture = np.repeat(eyes_frames[k][..., None], 3, axis=-1)
            overlay.add(Frame("0", k, None, eyes_frames[k]), picture)
    assert cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS) == pytest.approx(30)


def test_pictures_replace_no_file_unrequested_and_no_input_ever(eyes_frames, tmp_path):
    source = tmp_path / "eye_000000.png"
    source.write_bytes(b"the user's own")
    with pytest.raises(DatasetError, match="--overwrite"):
        added(PictureOverlay(tmp_path, []), eyes_frames[:1])
    with pytest.raises(SettingError, match="input image"):
        added(PictureOverlay(tmp_path, [source], overwrite=True), eyes_frames[:1])
    assert source.read_bytes() == b"the user's own"
    added(PictureOverlay(tmp_path, [], overwrite=True), eyes_frames[:1])
    assert source.read_bytes() != b"the user's own"


def test_annotations_replace_nothing(eyes_run, eyes_frames, tmp_path):
    glints = GlintDetector.load(eyes_run)(eyes_frames[:1])
    frame = Frame("eye", 0, None, eyes_frames[0])
    LabelMeFolder(tmp_path / "notes", []).add(frame, glints, 0, ["g1", "g2"])
    with pytest.raises(SettingError, match="already holds JSON annotations"):
        LabelMeFolder(tmp_path / "notes", [])
    (tmp_path / "notes" / "eye_000000.json").unlink()
    before = (tmp_path / "notes" / "eye_000000.png").read_bytes()
    with pytest.raises(SettingError, match="is not replaced"):
        LabelMeFolder(tmp_path / "notes", []).add(frame, glints, 0, ["g1", "g2"])
    assert (tmp_path / "notes" / "eye_000000.png").read_bytes() == before


def test_a_cross_and_a_name_are_drawn_at_each_present_glint_only(eyes_frames):
    points = np.array([[[10.0, 20.0], [np.nan, np.nan]]], np.float32)
    ones = np.ones((1, 2), np.float32)
    glints = Glints(points, ones, ones, np.array([[True, False]]))
    image = np.zeros_like(eyes_frames[0])
    drawn = draw_glints(image, glints, 0, ["g1", "g2"])
    assert drawn.shape == (480, 640, 3)
    coloured = np.argwhere(drawn.any(axis=-1))
    assert np.abs(coloured - [205, 105]).max() < 60  # 20.5 and 10.5 blocks of ten pixels
    assert drawn[204, 104 + 5 : 104 + 10].any(axis=-1).all()  # an arm of the cross
    assert not drawn[202:207, 102:107].any()  # its middle is open


def test_a_drawn_video_has_the_colours_of_the_pictures(tmp_path):
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    with VideoOverlay(tmp_path / "o.avi", 25) as overlay:
        overlay.add(Frame("eye", 0, None, red[..., 0]), red)
    _, blue_green_red = cv2.VideoCapture(str(tmp_path / "o.avi")).read()
    assert (blue_green_red[..., 2] > 200).all()
    assert (blue_green_red[..., :2] < 50).all()


def test_a_png_file_is_a_picture_of_one_image_and_a_directory_for_several(eyes_frames, tmp_path):
    one, other = tmp_path / "a.png", tmp_path / "b.png"
    added(PictureOverlay(tmp_path / "seen.png", [one]), eyes_frames[:1])
    with Image.open(tmp_path / "seen.png") as picture:
        assert picture.size == (64, 48)
    with pytest.raises(SettingError, match="input image"):
        PictureOverlay(one, [one], overwrite=True)
    PictureOverlay(tmp_path / "many.png", [one, other])
    assert (tmp_path / "many.png").is_dir()


def test_the_place_beside_an_input(eyes_frames, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for name in ("a.png", "b.JPG"):
        Image.fromarray(eyes_frames[0]).save(folder / name)
    assert path_beside(open_media(str(folder / "b.JPG"))) == folder / "b_glints.png"
    assert path_beside(open_media(str(folder))) == tmp_path / "images_glints"
    assert path_beside(open_media(str(folder / "*.*"))) == tmp_path / "images_glints"
    assert path_beside(Media("v.mp4", (Path("v.mp4"),), 9, 25.0)) == Path("v_glints.mp4")
    assert path_beside(Media("d.h5", (Path("d.h5"),), 9)) == Path("d_glints")
