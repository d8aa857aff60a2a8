import cv2
import h5py
import numpy as np
import pytest
from PIL import Image

from glint_unet.data.synthetic import backgrounds
from glint_unet.data.synthetic.backgrounds import read_backgrounds, spot_reach
from glint_unet.data.synthetic.bright_spots import opened
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.errors import MediaError

RIG = Rig.ring(6, image_size=(96, 128), level="easy")
SIZE = (64, 64)


@pytest.fixture(scope="module")
def frames():
    """(8, 96, 128) uint8 eyes with glints, and their keypoints."""
    return render_eyes(RIG, 7, range(8))


@pytest.fixture
def folder(frames, tmp_path):
    for k, image in enumerate(frames[0]):
        Image.fromarray(image).save(tmp_path / f"eye_{k:02d}.png")
    return tmp_path


def test_no_glint_of_a_frame_stays_on_its_cornea(frames, folder):
    """Else it would be taught as absent. The frames are kept at 5 times 64 px: 2.5 times their size, with padding."""
    found = read_backgrounds(str(folder), SIZE)
    assert len(found.frames) == len(frames[0])
    before, after = [], []
    for frame, image, points in zip(found.frames, *frames, strict=True):
        for x, y in points[np.isfinite(points[:, 0])]:
            before.append(int(image[round(float(y)), round(float(x))]))
            column, row = round((x + 0.5) * 2.5 - 0.5), round((y + 0.5) * 2.5 - 0.5) + 40
            after.append(int(frame.image[row, column]))
    assert len(before) > 20
    assert np.median(before) > 220
    assert np.quantile(after, 0.95) < 110


def test_no_bright_spot_at_all_stays_on_a_cornea(folder):
    y, x = np.mgrid[:320, :320]
    for frame in read_backgrounds(str(folder), SIZE).frames:
        if frame.eye is not None:
            on_iris = np.hypot(x - frame.eye.iris[0], y - frame.eye.iris[1]) < 0.9 * frame.eye.iris_radius
            below_lashes = on_iris & (y > frame.eye.iris[1] - 0.3 * frame.eye.iris_radius)
            image = frame.image.astype(np.float32)
            height = image - opened(image, spot_reach(frame.eye.iris_radius))
            assert height[below_lashes].max() < 60


def test_most_frames_have_their_eye(folder):
    found = read_backgrounds(str(folder), SIZE)
    assert sum(frame.eye is not None for frame in found.frames) >= 6
    assert "8 used" in str(found)
    assert str(found).endswith("unreadable: 0")


def test_unreadable_frames_are_named_and_the_others_are_used(folder):
    (folder / "eye_03.png").write_bytes(b"no image")
    (folder / "eye_04.png").unlink()
    (folder / "eye_04.png").symlink_to(folder / "gone")
    found = read_backgrounds(str(folder), SIZE)
    assert len(found.frames) == 6
    assert "unreadable: 2" in str(found)
    assert "eye_03.png, " in str(found)
    assert "eye_04.png" in str(found)


def test_many_unreadable_frames_are_named_in_part(tmp_path):
    for k in range(7):
        (tmp_path / f"{k}.png").write_bytes(b"no image")
    with pytest.raises(MediaError, match=r": 0\.png.*4\.png, \.\.\.$"):
        read_backgrounds(str(tmp_path), SIZE)


def test_frames_without_any_eye_are_refused(tmp_path):
    Image.fromarray(np.full((40, 40), 90, np.uint8)).save(tmp_path / "grey.png")
    with pytest.raises(MediaError, match="pupil"):
        read_backgrounds(str(tmp_path), SIZE)


def test_a_folder_without_images_is_refused(tmp_path):
    with pytest.raises(MediaError, match="no images"):
        read_backgrounds(str(tmp_path), SIZE)


def test_a_video_and_a_data_set_give_the_same_frames_as_images(frames, folder):
    images = read_backgrounds(str(folder), SIZE)
    with h5py.File(folder / "eyes.h5", "w") as file:
        file["images"], file["keypoints"] = frames[0], frames[1]
    assert read_backgrounds(str(folder / "eyes.h5"), SIZE).md5 == images.md5
    video = cv2.VideoWriter(str(folder / "eyes.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25.0, (128, 96))
    for image in frames[0]:
        video.write(cv2.cvtColor(image, cv2.COLOR_GRAY2BGR))
    video.release()
    assert len(read_backgrounds(str(folder / "eyes.avi"), SIZE).frames) == 8


def test_of_a_long_input_only_evenly_spaced_frames_are_held(folder, monkeypatch):
    monkeypatch.setattr(backgrounds, "_MOST_FRAMES", 7)
    held = read_backgrounds(str(folder), (64, 60)).frames
    monkeypatch.setattr(backgrounds, "_MOST_BYTES", 3 * held[0].image.size)
    fewer = read_backgrounds(str(folder), (64, 61)).frames
    assert (len(held), len(fewer)) == (7, 2)
    (folder / "eye_01.png").unlink()
    monkeypatch.undo()
    assert [frame.image.tobytes() for frame in held] == [
        frame.image.tobytes() for frame in read_backgrounds(str(folder), (64, 60)).frames
    ]


def test_a_frame_that_changes_is_read_again(frames, folder):
    before = read_backgrounds(str(folder), SIZE).md5
    assert read_backgrounds(str(folder), SIZE).md5 == before
    Image.fromarray(frames[0][1][:, ::-1]).save(folder / "eye_00.png")
    assert read_backgrounds(str(folder), SIZE).md5 != before
