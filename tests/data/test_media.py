"""Inputs read frame by frame, whole or damaged."""

import dataclasses
import itertools

import cv2
import h5py
import numpy as np
import pytest
from PIL import Image

from glint_unet.data.media import grey_of, open_media
from glint_unet.errors import DatasetError, MediaError
from glint_unet.messages import set_language


def images(frames):
    return np.stack([frame.image for frame in frames])


def test_every_kind_of_input_gives_its_frames_in_order(eyes_frames, eyes_video, eyes_h5, tmp_path):
    for k in (1, 0, 2):
        Image.fromarray(eyes_frames[k]).save(tmp_path / f"{k}.png")
    (tmp_path / "notes.txt").write_text("no image")
    folder, pattern = open_media(str(tmp_path)), open_media(str(tmp_path / "[01].png"))
    assert [frame.path for frame in folder] == [tmp_path / f"{k}.png" for k in range(3)]
    assert np.array_equal(images(folder), eyes_frames[:3])
    assert (folder.num_frames, pattern.num_frames, len(list(pattern))) == (3, 2, 2)
    video = open_media(str(eyes_video))
    assert (video.num_frames, video.fps) == (40, 25.0)
    assert [(frame.number, frame.time_s) for frame in video] == [(k, k / 25) for k in range(40)]
    data = open_media(str(eyes_h5))
    rows = list(data)
    assert data.num_frames == len(rows) == 60
    with h5py.File(eyes_h5) as file:
        assert np.array_equal(images(rows), file["images"][:])
    assert rows[1].source == "synthetic_easy_1_000001"


@pytest.mark.parametrize("most", [1, 10, 17, 40, 100])
def test_evenly_spaced_frames_are_no_more_than_requested(eyes_video, most):
    numbers = [frame.number for frame in open_media(str(eyes_video)).evenly_spaced(most)]
    assert len(numbers) == min(most, 40)
    steps = {later - earlier for earlier, later in itertools.pairwise(numbers)}
    assert max(steps, default=0) - min(steps, default=0) <= 1


def test_of_an_input_of_unknown_length_the_first_frames_are_taken(eyes_video):
    unknown = dataclasses.replace(open_media(str(eyes_video)), num_frames=0)
    assert [frame.number for frame in unknown.evenly_spaced(3)] == [0, 1, 2]


def test_the_frames_of_a_twelve_bit_camera_keep_their_brightness_among_each_other(eyes_frames, tmp_path):
    bright = eyes_frames[0].astype(np.uint16) * 16
    for name, frame in {"a": bright // 8, "b": bright, "c": bright // 2}.items():
        Image.fromarray(frame).save(tmp_path / f"{name}.png")
    (tmp_path / "broken.png").write_bytes(b"")
    dark, full, half = (frame.image.astype(float) for frame in open_media(str(tmp_path)) if frame.image is not None)
    assert np.abs(full - 8 * dark).max() < 8
    assert np.abs(full - 2 * half).max() < 2
    assert np.abs(full - eyes_frames[0]).max() <= 1


def test_a_data_set_whose_names_are_damaged_still_gives_its_images(eyes_h5, tmp_path):
    path = tmp_path / "eyes.h5"
    with h5py.File(eyes_h5) as file, h5py.File(path, "w") as copy:
        copy.attrs.update(file.attrs)
        for name in set(file) - {"stems"}:
            file.copy(name, copy)
        stems = np.array([f"eye_{k}" for k in range(60)], "S8")
        copy.create_dataset("stems", data=stems, chunks=(60,), compression="gzip")
        place = copy["stems"].id.get_chunk_info(0)
    with path.open("r+b") as raw:
        raw.seek(place.byte_offset)
        raw.write(b"\xff" * place.size)
    frames = list(open_media(str(path)))
    assert len(frames) == 60
    assert {frame.source for frame in frames} == {"eyes"}
    assert all(frame.image is not None for frame in frames)


def test_a_data_set_without_labels_gives_its_images(eyes_frames, tmp_path):
    with h5py.File(tmp_path / "eyes.h5", "w") as file:
        file["images"] = eyes_frames[:3]
    frames = open_media(str(tmp_path / "eyes.h5"))
    assert frames.num_frames == 3
    assert np.array_equal(images(frames), eyes_frames[:3])
    with h5py.File(tmp_path / "eyes.h5", "a") as file:
        file["stems"] = ["a", "b", "c"]
    assert [frame.source for frame in frames] == ["a", "b", "c"]
    with h5py.File(tmp_path / "eyes.h5", "a") as file:
        del file["stems"]
        file["stems"] = ["a"]
    with pytest.raises(DatasetError, match="shape"):
        open_media(str(tmp_path / "eyes.h5"))


def test_a_frame_of_opencv_becomes_grey():
    grey = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(grey_of(grey), grey)
    assert np.array_equal(grey_of(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)), grey)


def test_what_is_not_there_is_refused(tmp_path):
    for name in ("none.png", "*.png"):
        with pytest.raises(MediaError, match=r"none\.png|\*\.png"):
            open_media(str(tmp_path / name))


@pytest.mark.parametrize(("language", "words"), [("zh", "视频到此为止"), ("en", "the video ends here")])
def test_a_video_cut_short_says_so_in_the_users_language(eyes_video, tmp_path, language, words):
    content = eyes_video.read_bytes()
    (tmp_path / "cut.avi").write_bytes(content[: len(content) * 6 // 10])
    set_language(language)
    *frames, last = open_media(str(tmp_path / "cut.avi"))
    assert len(frames) > 5
    assert last.image is None
    assert words in str(last.problem)
