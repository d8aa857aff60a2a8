"""Names of files written per frame: distinct, and in the input's folders."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from glint_unet.data.media import Frame
from glint_unet.inference.frame_names import FrameNames


def names_of(*paths):
    return [str(name) for name in FrameNames([Path(path) for path in paths]).of_images()]


def test_the_folders_below_the_common_one_are_kept():
    assert names_of("im/left/1.png", "im/right/1.png") == ["left/1", "right/1"]
    assert names_of("im/1.png", "im/deep/er/1.png") == ["1", "deep/er/1"]
    assert names_of("im/1.png", "im/2.png") == ["1", "2"]
    assert names_of("/a/1.png", "/b/1.png") == ["a/1", "b/1"]


def test_files_that_differ_in_their_suffix_or_in_what_a_name_cannot_hold_are_told_apart():
    assert names_of("a.png", "a.jpg", "b.png") == ["a_png", "a_jpg", "b"]
    assert names_of("a.png", "A.jpg") == ["a_png", "A_jpg"]
    assert names_of("a b.png", "a_b.png", "a+b.png") == ["a_b", "a_b_2", "a_b_3"]
    assert names_of("a_png.tif", "a.png", "a.jpg") == ["a_png", "a_png_2", "a_jpg"]
    assert names_of("eye.0001.png", "eye.0002.png") == ["eye.0001", "eye.0002"]


def test_frames_of_videos_and_data_sets_are_numbered():
    video, data, other = Path("in/eye.mp4"), Path("in/eyes.h5"), Path("in/more.h5")
    names = FrameNames([video, data, other])
    assert str(names.of(Frame("in/eye.mp4", 3, None, None, None, video))) == "eye_000003"
    assert str(names.of(Frame("eye.0001", 0, None, None, None, data))) == "eye.0001_000000"
    assert str(names.of(Frame("cam/eye", 1, None, None, None, data))) == "cam_eye_000001"
    assert str(names.of(Frame("cam_eye", 1, None, None, None, other))) == "cam_eye_000001_2"
    assert str(FrameNames([]).of(Frame("0", 12, None, None))) == "0_000012"


PART = st.text(st.sampled_from("aAb ._+é"), min_size=1, max_size=3).filter(lambda part: part.strip("."))


SUFFIX = st.sampled_from(["png", "jpg", "PNG", "tif"])


@given(st.lists(st.tuples(st.lists(PART, max_size=2), PART, SUFFIX)))
def test_no_two_images_ever_share_a_name_even_where_case_does_not_matter(files):
    paths = list({Path("in", *folders, f"{stem}.{suffix}") for folders, stem, suffix in files})
    names = [str(name).casefold() for name in FrameNames(paths).of_images()]
    assert len(set(names)) == len(paths)
    assert not any(Path(name).is_absolute() or ".." in Path(name).parts for name in names)
