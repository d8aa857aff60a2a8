import numpy as np
import pytest
from PIL import Image

from glint_unet.data.images import read_image
from glint_unet.errors import GlintError, MediaError
from glint_unet.page.annotate_frames import describe_model, find_frames, look_at


def test_images_of_a_folder_stay_where_they_are(tmp_path):
    for name in ("a.png", "b.jpg"):
        Image.fromarray(np.zeros((8, 8), np.uint8)).save(tmp_path / name)
    frames = find_frames(tmp_path, tmp_path / "copies", 5)
    assert [(frame.name, frame.image, frame.is_copy) for frame in frames] == [
        ("a", tmp_path / "a.png", False),
        ("b", tmp_path / "b.jpg", False),
    ]


def test_frames_of_a_video_and_of_a_data_set_are_copied_evenly_spaced(eyes_video, eyes_h5, tmp_path):
    frames = find_frames(eyes_video, tmp_path, 4)
    assert [frame.name for frame in frames] == ["eye_000000", "eye_000010", "eye_000020", "eye_000030"]
    assert all(frame.is_copy and read_image(frame.image).shape == (48, 64) for frame in frames)
    rows = find_frames(eyes_h5, tmp_path, 3)
    assert len({frame.name for frame in rows}) == 3


def test_what_is_no_input_is_refused(tmp_path):
    (tmp_path / "notes.txt").write_text("x")
    (tmp_path / "film.mp4").write_text("x")
    for name in ("notes.txt", "film.mp4", "nowhere"):
        with pytest.raises(MediaError, match=name):
            find_frames(tmp_path / name, tmp_path, 3)


def test_a_frame_is_looked_at_as_predict_does(eyes_run, eyes_frames, tmp_path):
    path = tmp_path / "eye.png"
    Image.fromarray(eyes_frames[0]).save(path)
    model = describe_model(str(eyes_run), None)
    assert model.labels == ["g1", "g2"]
    assert model.names_leds
    look = look_at(path, str(eyes_run), None)
    np.testing.assert_array_equal(look.image, eyes_frames[0])
    assert look.glints.points.shape == (1, 2, 2)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(GlintError, match="eye"):
        look_at(path, str(eyes_run), None)
