"""Each tool's file, as the tool writes it, gives the same glints; broken files are refused in one line."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from glint_unet.data.annotation.image_annotation import AnnotationFile
from glint_unet.data.annotation.labels import LedLabels
from glint_unet.data.annotation.readers import READERS, check_distinct, from_corner, guess_format
from glint_unet.errors import AnnotationError
from glint_unet.messages import set_language
from tests.annotation_files import TRUTH, WRITERS, annotate, circle, coco, cvat, dlc, glints_of, plain, point, read


@pytest.mark.parametrize("writer", WRITERS)
def test_every_tools_file_gives_the_same_glints(images, tmp_path, writer):
    name, content = WRITERS[writer]()
    path = tmp_path / name
    path.write_text(content)
    kind = guess_format(AnnotationFile(path, images, "g"))
    assert kind == writer.split()[0]
    assert glints_of(path, kind, images) == TRUTH
    assert all(one.image.is_file() for one in read(path, kind, images))


@pytest.mark.parametrize("writer", WRITERS)
def test_they_become_a_data_set(images, tmp_path, writer, command):
    import h5py

    name, content = WRITERS[writer]()
    path = tmp_path / name
    path.write_text(content)
    words = ["--in_dir", images, "--annotations", path, "--out_h5", tmp_path / "out.h5", "--num_classes", 3]
    size = ["--img_h", 48, "--img_w", 64, "--lang", "en"]
    status, out, err = command("pack", *words, *size)
    assert status == 0, err
    assert "3 images written, 0 files skipped" in out
    with h5py.File(tmp_path / "out.h5") as file:
        stems = [stem.decode().rpartition("/")[2] for stem in file["stems"][:]]
        keypoints = dict(zip(stems, file["keypoints"][:], strict=True))
    for name, glints in TRUTH.items():
        for led in range(3):
            if led in glints:
                assert keypoints[name][led] == pytest.approx(glints[led])
            else:
                assert np.isnan(keypoints[name][led]).all()
    status, _, _ = command("pack", *words, *size, "--corner_pixels", "--overwrite")
    assert status == 0
    with h5py.File(tmp_path / "out.h5") as file:
        assert np.nanmax(file["keypoints"][:]) == pytest.approx(39.5)


BAD = {
    "not json": ("coco", "{", "JSONDecodeError"),
    "json of another kind": ("coco", "[1, 2]", "coco"),
    "too few values": ("coco", coco()[1].replace(", 2]", "]"), "values for 3 keypoints"),
    "led out of range": ("csv", "stem,led,x,y\na,g9,1,1", "g9"),
    "not a number": ("csv", "stem,led,x,y\na,1,east,1", "could not convert"),
    "a number of Python source": ("csv", "stem,led,x,y\na,1,1_5,1", "could not convert"),
    "a dlc number of Python source": ("dlc", dlc()[1].replace("10.5", "1_0.5"), "could not convert"),
    "a cvat number of Python source": ("cvat", cvat()[1].replace("10.50,", "1_0.50,"), "could not convert"),
    "a label like a number of Python source": ("csv", "stem,led,x,y\na,1_2,1,1", "1_2.*--prefix"),
    "not finite": ("csv", "stem,led,x,y\na,1,inf,1", "not finite"),
    "missing column": ("csv", "stem,x,y\na,1,1", "no column led"),
    "twice": ("csv", "stem,led,x,y\na,1,1,1\na,1,2,2", "twice"),
    "empty": ("csv", "stem,led,x,y\n", "names no image"),
    "broken xml": ("cvat", "<annotations><image>", "ParseError"),
    "xml with entities": ("cvat", '<!DOCTYPE a [<!ENTITY b "c">]><a/>', "declares entities"),
    "two points in one": ("cvat", cvat()[1].replace("10.50,20.25", "1,1;2,2"), "has 2 points"),
    "dlc without header": ("dlc", "scorer,me\nx,1", "dlc"),
    "dlc without x": ("dlc", "scorer,me\nbodyparts,g1\ncoords,likelihood\na.png,1", "'x'"),
    "led between two": ("csv", "stem,led,x,y\na,1.5,1,1", "led 1.5 is not the number of an LED"),
    "led not given": ("csv", "stem,led,x,y\na,nan,1,1", "led nan is not the number of an LED"),
    "no label is an LED's": ("csv", "stem,led,x,y\na,pupil,1,1", "pupil.*--prefix"),
    "half a point": ("csv", "stem,led,x,y\na,1,,4", "line 2 has one coordinate without the other"),
    "point of no led": ("csv", "stem,led,x,y\na,,3,4", "line 2 has a point but no led"),
    "decimal commas": ("csv", "stem,led,x,y\na,1,3,5,4,5", "line 2 has more values"),
    "dlc of half a point": ("dlc", "scorer,me,me\nbodyparts,g1,g1\ncoords,x,y\na.png,1,", "g1 has one coordinate"),
    "dlc of two animals": ("dlc", "scorer,m,m,m\nbodyparts,g1,g1,g1\ncoords,x,y,x\na.png,1,2,3", "g1 has x twice"),
    "coco of one id twice": ("coco", coco()[1].replace('"id": 2', '"id": 1'), "same id"),
    "a number beyond floats": ("coco", coco()[1].replace("10.5", "1" + "0" * 400), "coco"),
    "empty stem": ("csv", "stem,led,x,y\n,1,1,1", "an image has no name"),
    "a line cut short": ("csv", "stem,led,x,y\na,1,1,1\na,2,1", "line 3 has fewer values"),
    "a quote that swallows lines": ("csv", 'stem,led,x,y\n"a,1,1,1\nb,2,2,2"\n', "Error"),
    "a column twice": ("csv", "stem,led,x,y,x\na,1,1,1,1", "no column x, or several"),
    "shapes outside images": ("cvat", '<a><track label="g1"><points points="1,1"/></track></a>', "CVAT for images"),
    "an LED's box": ("cvat", '<a><image name="a"><box label="g1" xtl="1"/></image></a>', "g1 is a box"),
    "a shape without a label": ("cvat", '<a><image name="a"><points points="1,1"/></image></a>', "'label'"),
    "an ellipse of negative radius": (
        "cvat",
        '<a><image name="a"><ellipse label="g1" cx="1" cy="1" rx="-1" ry="1"/></image></a>',
        "math domain error",
    ),
    "coco of boxes": ("coco", coco()[1].replace('"keypoints": ["g1"', '"points": ["g1"'), "boxes and masks"),
    "coco of another visibility": ("coco", coco()[1].replace("20.25, 2", "20.25, 3"), "visibility 3"),
    "a key twice": ("coco", coco()[1].replace('"id": 2', '"id": 2, "id": 3'), "same key twice"),
    "a name twice": ("coco", coco()[1].replace("c.png", "a.png"), "have the same name .a."),
    "a suffix apart": ("coco", coco()[1].replace("c.png", "a.bmp"), "have the same name .a."),
    "one image by two names": ("coco", coco()[1].replace("c.png", "elsewhere/a.png"), "same image"),
    "dlc without the first x": ("dlc", dlc()[1].replace("coords,x", "coords,0x"), "the coordinate '0x'"),
    "dlc of a part before the first x": ("dlc", dlc()[1].replace("coords,x", "coords,"), "g1. has the coordinate ''"),
    "dlc of another coordinate": ("dlc", dlc()[1].replace("y,x,y", "y,z,y"), "the coordinate 'z'"),
    "two header lines": ("dlc", dlc()[1] + "\n" + dlc()[1], "appears twice"),
    "no header line scorer": ("dlc", dlc()[1].replace("scorer", "x"), "appears twice"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_refused_in_one_line(images, tmp_path, case):
    kind, content, fragment = BAD[case]
    path = tmp_path / "notes"
    path.write_text(content)
    with pytest.raises(AnnotationError, match=fragment) as caught:
        glints_of(path, kind, images)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "content"), [("a.txt", ""), ("a.csv", "\0")])
def test_a_format_that_cannot_be_guessed_must_be_specified(tmp_path, name, content):
    path = tmp_path / name
    path.write_text(content)
    if name == "a.csv":
        assert guess_format(AnnotationFile(path, tmp_path, "g")) == "csv"
    else:
        with pytest.raises(AnnotationError, match=f"--format: {', '.join(READERS)}"):
            guess_format(AnnotationFile(path, tmp_path, "g"))


@given(content=st.text(max_size=300), kind=st.sampled_from(list(READERS)))
def test_any_text_is_read_or_refused(tmp_path_factory, content, kind):
    path = tmp_path_factory.getbasetemp() / "notes.any"
    path.write_text(content, encoding="utf-8", errors="replace")
    try:
        found = read(path, kind, path.parent)
    except AnnotationError:
        return
    assert found


def test_a_fault_is_named_in_the_language_of_the_moment_it_is_read(images, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("stem,led,x,y\na,1,,4")
    with pytest.raises(AnnotationError) as caught:
        read(path, "csv", images)
    set_language("zh")
    assert "第 2 行的 x 与 y 只有一个" in str(caught.value)


def test_images_are_in_the_order_of_their_names(images, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("stem,led,x,y\nc,1,1,1\na,1,1,1\nb,1,1,1")
    assert [one.stem for one in read(path, "csv", images)] == ["a", "b", "c"]


def test_two_labelme_files_of_one_image_are_refused_together(tmp_path):
    first, second = annotate(tmp_path, "a", []), annotate(tmp_path, "b", [], imagePath="a.png")
    with pytest.raises(AnnotationError, match=r"a\.json.*b\.json.*same image"):
        check_distinct([*read(first, "labelme", tmp_path), *read(second, "labelme", tmp_path)])


def test_a_point_counted_from_the_corner_moves_by_half_a_pixel(tmp_path):
    (found,) = read(annotate(tmp_path, "a", [point("g1", 3, 4), point("pupil", 1, 1)]), "labelme", tmp_path)
    moved = from_corner(found).points
    assert (moved[0].x, moved[0].y) == (2.5, 3.5)
    assert not moved[1].is_present


def labelme():
    shapes = [circle("g1", 10.5, 20.25, 3), point("g3", 40, 30), point("pupil", 30, 30)]
    return json.dumps({"shapes": shapes, "imagePath": "images/a.png", "imageHeight": 48, "imageWidth": 64})


VALID = {"labelme": labelme(), "coco": coco()[1], "cvat": cvat()[1], "dlc": dlc()[1], "csv": plain()[1]}
ODD = ["", "0", "-1", "1e999", "NaN", "null", "{", "}", "[", "]", '"', ",", ":", ";", "<", ">", "/", "&x;", "g", "g9",
       "\0", "\n", "\r", "\x0c", "\u2028", "é", "\U0001f441", "x" * 3000, "9" * 400]  # fmt: skip


@pytest.mark.parametrize("kind", VALID)
@given(data=st.data())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_a_mutated_file_is_refused_in_one_line_or_keeps_all_its_points(images, tmp_path, kind, data):
    content = VALID[kind]
    path = tmp_path / "notes"
    path.write_text(content)
    num_points = sum(len(one.points) for one in read(path, kind, images))
    start = data.draw(st.integers(0, len(content)))
    end = start + data.draw(st.integers(0, 3))
    odd = data.draw(st.sampled_from(ODD))
    path.write_text(content[:start] + odd + content[end:])
    try:
        found = read(path, kind, images)
        labels = LedLabels.of(found, "g", None, path)
        num_glints = sum(len(labels.glints(one, (10**6, 10**6))) for one in found)
    except AnnotationError as error:
        refused = str(error)
    else:
        refused = ""
    assert "\n" not in refused
    assert len(refused) < 1500
    if refused:
        return
    assert sum(len(one.points) for one in found) == num_points
    num_shown = sum(point.is_present for one in found for point in one.points)
    assert num_glints == num_shown - sum(
        point.is_present for one in found for point in one.points if point.label in labels.ignored
    )


def test_a_file_of_several_images_sharing_a_name_without_suffix_is_ambiguous(images, tmp_path):
    Image.fromarray(np.zeros((48, 64), np.uint8)).save(images / "a.bmp")
    path = tmp_path / "notes.csv"
    path.write_text(plain()[1])
    with pytest.raises(AnnotationError, match=r"a\.png and .*a\.bmp have the same name"):
        read(path, "csv", images)
