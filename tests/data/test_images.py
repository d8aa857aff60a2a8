"""Every kind of image file becomes the grey image it shows, or is refused in one line."""

import contextlib
import io
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from glint_unet.data.heatmaps import scale_points
from glint_unet.data.images import (
    ImageFacts,
    WhiteLevel,
    as_grey,
    image_stem,
    inspect_image,
    part_of_image,
    read_image,
    resize_image,
)
from glint_unet.errors import AnnotationError

GREY = np.tile(np.array([[0, 64, 128, 255]], np.uint8), (6, 2))


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1", "I;16", "I"])
def test_every_kind_of_image_becomes_grey(tmp_path, mode):
    grey = np.tile(np.array([[0, 255]], dtype=np.uint8), (4, 2))
    if mode.startswith("I"):
        image = Image.fromarray(grey.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(grey).convert(mode)
    image.save(tmp_path / "a.png")
    assert np.array_equal(read_image(tmp_path / "a.png"), grey)


@pytest.mark.parametrize("mode", ["L", "LA", "RGB", "RGBA", "P", "CMYK", "YCbCr", "F", "I;16", "I", "I;16B"])
def test_every_mode_of_tiff_becomes_grey(tmp_path, mode):
    path = tmp_path / "a.tif"
    if mode == "F":
        image = Image.fromarray(GREY.astype(np.float32) / 255)
    elif mode == "I":
        image = Image.fromarray(GREY.astype(np.int32) * 257)
    elif mode == "I;16B":
        image = Image.frombytes("I;16B", (8, 6), (GREY.astype(">u2") * 257).tobytes())
    elif mode == "I;16":
        image = Image.fromarray(GREY.astype(np.uint16) * 257)
    else:
        image = Image.fromarray(GREY).convert(mode)
    image.save(path)
    assert np.abs(read_image(path).astype(int) - GREY).max() <= 1


def test_a_broken_image_is_refused(tmp_path):
    stream = io.BytesIO()
    Image.fromarray(np.zeros((50, 50), np.uint8)).save(stream, "PNG")
    for content in (b"", b"text", stream.getvalue()[:60]):
        (tmp_path / "a.png").write_bytes(content)
        with pytest.raises(AnnotationError, match="cannot be read"):
            read_image(tmp_path / "a.png")


@pytest.mark.parametrize("bits", [8, 10, 12, 14, 16])
def test_a_camera_of_any_depth_in_a_sixteen_bit_file_is_read_over_its_own_range(tmp_path, bits):
    levels = np.linspace(0, 2**bits - 1, 48).round().astype(np.uint16).reshape(6, 8)
    Image.fromarray(levels).save(tmp_path / "a.png")
    expected = np.linspace(0, 255, 48).reshape(6, 8)
    assert np.abs(read_image(tmp_path / "a.png") - expected).max() < 1


@pytest.mark.parametrize(("white", "top"), [(1.0, 255), (0.5, 128), (255.0, 255), (1023.0, 255), (65535.0, 255)])
def test_floats_of_any_usual_range_are_read_over_it(tmp_path, white, top):
    Image.fromarray(GREY.astype(np.float32) / 255 * np.float32(white)).save(tmp_path / "a.tif")
    assert np.abs(read_image(tmp_path / "a.tif").astype(float) - GREY / 255 * top).max() <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -1.0, 1e9])
def test_floats_without_a_grey_level_are_refused(tmp_path, value):
    image = GREY.astype(np.float32) / 255
    image[0, 0] = value
    Image.fromarray(image).save(tmp_path / "a.tif")
    with pytest.raises(AnnotationError, match="grey levels"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("value", [-1, 70_000])
def test_whole_numbers_beyond_sixteen_bits_are_refused(tmp_path, value):
    image = GREY.astype(np.int32)
    image[0, 0] = value
    Image.fromarray(image).save(tmp_path / "a.tif")
    with pytest.raises(AnnotationError, match="grey levels"):
        read_image(tmp_path / "a.tif")


@pytest.mark.parametrize("suffix", ["tif", "webp", "png"])
def test_a_file_of_several_pictures_is_refused(tmp_path, suffix):
    pages = [Image.fromarray(np.full((8, 8), value, np.uint8)) for value in (0, 100, 200)]
    pages[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=pages[1:])
    with pytest.raises(AnnotationError, match="3 images"):
        read_image(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("orientation", range(1, 9))
def test_an_image_is_turned_upright_as_its_camera_says(tmp_path, orientation):
    image = np.zeros((16, 24), np.uint8)
    image[:8, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(image).save(tmp_path / "a.png", exif=exif)
    upright = read_image(tmp_path / "a.png")
    assert upright.shape == ((16, 24) if orientation < 5 else (24, 16))
    bright = {1: (0, 0), 2: (0, 1), 3: (1, 1), 4: (1, 0), 5: (0, 0), 6: (0, 1), 7: (1, 1), 8: (1, 0)}[orientation]
    corner = upright[:: max(1, upright.shape[0] - 1)][:, :: max(1, upright.shape[1] - 1)]
    assert corner[bright] == 255
    assert corner.sum() == 255


def test_deep_colour_that_would_become_black_is_refused(tmp_path):
    cv2 = pytest.importorskip("cv2")
    colour = np.full((8, 8, 3), 1000, np.uint16)  # ten bits, of which Pillow drops the lower eight
    assert cv2.imwrite(str(tmp_path / "a.png"), colour)
    with pytest.raises(AnnotationError, match="colour"):
        read_image(tmp_path / "a.png")
    assert cv2.imwrite(str(tmp_path / "b.png"), colour * 60)
    assert abs(int(read_image(tmp_path / "b.png")[0, 0]) - 60_000 // 257) <= 1


def test_the_images_of_a_set_are_read_by_one_white_level(tmp_path):
    paths = [tmp_path / "bright.png", tmp_path / "dark.png"]
    for path, value in zip(paths, (1000, 100), strict=True):
        Image.fromarray(np.full((8, 8), value, np.uint16)).save(path)
    white = WhiteLevel.of(inspect_image(path) for path in paths)
    assert str(white) == "1023"
    assert [int(read_image(path, white=white)[0, 0]) for path in paths] == [249, 25]
    with pytest.raises(AnnotationError, match="grey levels"):
        read_image(paths[0], white=WhiteLevel(whole=255.0))  # it has changed since


@given(
    highest=st.lists(st.integers(0, 65535), min_size=1, max_size=5),
    reals=st.lists(st.floats(0, 65535), min_size=1, max_size=5),
)
def test_no_level_of_a_set_is_above_its_white_level_nor_far_below(highest, reals):
    white = WhiteLevel.of([ImageFacts((1, 1), whole=v) for v in highest] + [ImageFacts((1, 1), real=v) for v in reals])
    assert white.whole is not None
    assert white.real is not None
    assert max(highest) <= white.whole
    assert max(reals) <= max(white.real, 2)
    assert white.whole <= max(255, 4.02 * max(highest))


@pytest.mark.parametrize("mode", ["L", "RGB", "1", "I;16"])
def test_an_image_is_inspected_as_it_will_be_read(tmp_path, mode):
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.fromarray(np.full((6, 8), 900, np.uint16)) if mode == "I;16" else Image.new(mode, (8, 6))
    image.save(tmp_path / "a.png", exif=exif)
    facts = inspect_image(tmp_path / "a.png")
    assert facts == ImageFacts((8, 6), whole=900 if mode == "I;16" else None)
    assert read_image(tmp_path / "a.png").shape == facts.size
    assert inspect_image(tmp_path / "elsewhere", (tmp_path / "a.png").read_bytes()) == facts


@pytest.mark.parametrize(
    ("name", "stem"),
    [("eye.0001", "eye.0001"), ("eye.0001.png", "eye.0001"), ("a/b.JPG", "a/b"), ("v1.2/eye", "v1.2/eye"), ("", "")],
)
def test_a_stem_loses_the_suffix_of_an_image_and_nothing_else(name, stem):
    assert image_stem(name) == stem


def encoded(kind):
    stream = io.BytesIO()
    deep = kind in ("TIFF", "PNG")
    Image.fromarray(GREY.astype(np.uint16) * 257 if deep else GREY).save(stream, kind)
    return stream.getvalue()


FILES = {kind: encoded(kind) for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM")}


@given(kind=st.sampled_from(sorted(FILES)), data=st.data())
@settings(max_examples=300)
def test_damaged_bytes_are_an_image_or_one_line(tmp_path_factory, kind, data):
    content = bytearray(FILES[kind])
    for place, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(content) - 1), st.integers(0, 255)), max_size=6)
    ):
        content[place] = value
    content = content[: data.draw(st.integers(0, len(content)) | st.just(len(content)))]
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content)
    for read in (read_image, inspect_image):
        with contextlib.suppress(AnnotationError):
            found = read(path)
            assert isinstance(found, ImageFacts) or (found.dtype == np.uint8 and found.ndim == 2)


def test_a_spot_and_its_keypoint_move_alike_when_the_image_is_resized():
    rows, columns = np.mgrid[:120, :160]
    spot = (255 * np.exp(-((columns - 70.3) ** 2 + (rows - 50.6) ** 2) / (2 * 6**2))).astype(np.uint8)
    small = resize_image(spot, (30, 40)).astype(float)
    r, c = np.mgrid[:30, :40]
    centroid = [(small * c).sum() / small.sum(), (small * r).sum() / small.sum()]
    assert centroid == pytest.approx(scale_points(torch.tensor([70.3, 50.6]), 0.25, 0.25).tolist(), abs=0.03)


def test_a_part_of_an_image_repeats_the_border_beyond_it():
    image = np.arange(12, dtype=np.uint8).reshape(3, 4)
    assert np.array_equal(part_of_image(image, 1, 1, 2, 2), image[1:3, 1:3])
    assert np.array_equal(part_of_image(image, -2, -1, 7, 6), np.pad(image, ((1, 2), (2, 1)), mode="edge"))
    assert np.array_equal(part_of_image(image, 9, 9, 2, 1), [[11, 11]])


FORMS: dict[str, Any] = {
    "grey": (np.zeros((40, 60), np.uint8), (1, 40, 60)),
    "batch": (np.zeros((5, 40, 60), np.uint8), (5, 40, 60)),
    "colour": (np.zeros((40, 60, 3), np.uint8), (1, 40, 60)),
    "colour with alpha": (np.zeros((40, 60, 4), np.uint8), (1, 40, 60)),
    "batch of colour": (np.zeros((2, 40, 60, 3), np.uint8), (2, 40, 60)),
    "grey with a colour axis": (np.zeros((40, 60, 1), np.uint8), (1, 40, 60)),
    "batch of grey with a colour axis": (np.zeros((5, 40, 60, 1), np.uint8), (5, 40, 60)),
    "narrow images with a colour axis": (np.zeros((5, 40, 1, 1), np.uint8), (5, 40, 1)),
    "16 bit": (np.zeros((40, 60), np.uint16), (1, 40, 60)),
    "float": (np.zeros((40, 60), np.float64), (1, 40, 60)),
}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_image_is_taken(form):
    images, shape = FORMS[form]
    grey = as_grey(images)
    assert grey.shape == shape
    assert grey.dtype == np.uint8


def test_the_same_picture_in_every_dtype_is_the_same_grey():
    picture = np.random.default_rng(0).integers(0, 256, (9, 7), dtype=np.uint8)
    assert np.array_equal(as_grey(picture.astype(np.uint16) * 257)[0], picture)
    assert np.array_equal(as_grey(picture / np.float32(255))[0], picture)
    assert np.array_equal(as_grey(np.stack([picture] * 3, axis=-1))[0], picture)
