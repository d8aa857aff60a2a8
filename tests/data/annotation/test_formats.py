"""Each tool's file, as the tool writes it, gives the same glints."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from glint_unet.data.annotation.formats import FORMATS, guess_format, read_notes
from glint_unet.errors import AnnotationError

TRUTH = {"a": {0: (10.5, 20.25), 2: (40.0, 30.0)}, "b": {}, "c": {1: (5.0, 6.0)}}


def coco():
    images = [{"id": k, "file_name": f"{name}.png", "width": 64, "height": 48} for k, name in enumerate(TRUTH)]
    notes = []
    for k, glints in enumerate(TRUTH.values()):
        values: list[float] = []
        for led in range(3):
            values += [*glints[led], 2] if led in glints else [0, 0, 0]
        notes.append({"id": k, "image_id": k, "category_id": 1, "keypoints": values, "num_keypoints": len(glints)})
    category = {"id": 1, "name": "eye", "keypoints": ["g1", "g2", "g3"]}
    return "notes.json", json.dumps({"images": images, "annotations": notes, "categories": [category]})


def cvat():
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations><version>1.1</version>"]
    for k, (name, glints) in enumerate(TRUTH.items()):
        lines.append(f'<image id="{k}" name="{name}.png" width="64" height="48">')
        lines += [
            f'<points label="g{led + 1}" occluded="0" points="{x:.2f},{y:.2f}" z_order="0"></points>'
            for led, (x, y) in glints.items()
        ]
        lines += ['<points label="g2" occluded="1" points="1,1"></points>'] * (name == "b")
        lines += ['<points label="pupil" occluded="0" points="30,30"></points>', "</image>"]
    return "notes.xml", "\n".join([*lines, "</annotations>"])


def dlc(index="one"):
    names = ["g1", "g2", "g3"]
    blank = [""] * (0 if index == "one" else 2)
    rows = [
        ["scorer", *blank, *["me"] * 6],
        ["bodyparts", *blank, *[name for name in names for _ in "xy"]],
        ["coords", *blank, *["x", "y"] * 3],
    ]
    for name, glints in TRUTH.items():
        values = [str(v) if led in glints else "" for led in range(3) for v in glints.get(led, (0, 0))]
        place = [f"labeled-data/video/{name}.png"] if index == "one" else ["labeled-data", "video", f"{name}.png"]
        rows.append([*place, *values])
    return "CollectedData_me.csv", "\n".join(",".join(row) for row in rows)


def plain():
    rows = ["stem,led,x,y", "b,g1,,"]
    rows += [f"{name},{led + 1},{x},{y}" for name, glints in TRUTH.items() for led, (x, y) in glints.items()]
    return "notes.csv", "\n".join(rows)


WRITERS = {"coco": coco, "cvat": cvat, "dlc": dlc, "dlc of three columns": lambda: dlc("three"), "csv": plain}


@pytest.fixture
def images(tmp_path):
    directory = tmp_path / "images"
    directory.mkdir()
    for name in TRUTH:
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(directory / f"{name}.png")
    return directory


@pytest.mark.parametrize("writer", WRITERS)
def test_every_tools_file_gives_the_same_glints(images, tmp_path, writer):
    name, content = WRITERS[writer]()
    path = tmp_path / name
    path.write_text(content)
    kind = guess_format(path)
    assert kind == writer.split()[0]
    notes = read_notes(path, kind, images, 3, "g")
    assert {note.path.stem: {led: (x, y) for led, x, y in note.points} for note in notes} == TRUTH
    assert all(note.path.is_file() for note in notes)


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


def test_keypoints_of_other_names_count_by_their_order(images, tmp_path):
    path = tmp_path / "notes.json"
    path.write_text(coco()[1].replace('["g1", "g2", "g3"]', '["top", "left", "right"]'))
    assert {
        note.path.stem: dict.fromkeys(p[0] for p in note.points) for note in read_notes(path, "coco", images, 3, "g")
    }["a"].keys() == {0, 2}


BAD = {
    "not json": ("coco", "{", "JSONDecodeError"),
    "json of another kind": ("coco", "[1, 2]", "coco"),
    "too few values": ("coco", coco()[1].replace(", 2]", "]"), "values for 3 keypoints"),
    "led out of range": ("csv", "stem,led,x,y\na,g9,1,1", "g9"),
    "not a number": ("csv", "stem,led,x,y\na,1,east,1", "could not convert"),
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
    "no label is an LED's": ("csv", "stem,led,x,y\na,pupil,1,1", "no LED among the values of led: pupil"),
    "half a point": ("csv", "stem,led,x,y\na,1,,4", "line 2 has one coordinate without the other"),
    "point of no led": ("csv", "stem,led,x,y\na,,3,4", "line 2 has a point but no led"),
    "decimal commas": ("csv", "stem,led,x,y\na,1,3,5,4,5", "line 2 has more values"),
    "dlc of half a point": ("dlc", "scorer,me,me\nbodyparts,g1,g1\ncoords,x,y\na.png,1,", "g1 has one coordinate"),
    "dlc of two animals": ("dlc", "scorer,m,m,m\nbodyparts,g1,g1,g1\ncoords,x,y,x\na.png,1,2,3", "g1 has x twice"),
    "coco of one id twice": ("coco", coco()[1].replace('"id": 2', '"id": 1'), "same id"),
    "a number beyond floats": ("coco", coco()[1].replace("10.5", "1" + "0" * 400), "coco"),
    "empty stem": ("csv", "stem,led,x,y\n,1,1,1", "an image has no name"),
}


@pytest.mark.parametrize("case", BAD)
def test_what_cannot_be_read_is_told_in_one_line(images, tmp_path, case):
    kind, content, said = BAD[case]
    path = tmp_path / "notes"
    path.write_text(content)
    with pytest.raises(AnnotationError, match=said) as caught:
        read_notes(path, kind, images, 3, "g")
    assert "\n" not in str(caught.value)


def test_an_image_that_is_missing_or_too_small_is_named_and_the_rest_packed(images, tmp_path, command):
    (images / "c.png").unlink()
    path = tmp_path / "notes.csv"
    path.write_text(plain()[1].replace("40.0,30.0", "400,30"))
    words = ["--in_dir", images, "--annotations", path, "--out_h5", tmp_path / "o.h5", "--num_classes", 3]
    status, out, _ = command("pack", *words, "--img_h", 48, "--img_w", 64, "--lang", "en")
    assert status == 1
    assert "c is missing" in out
    assert "outside its image of 64x48" in out
    assert "1 images written, 2 files skipped" in out


@given(content=st.text(max_size=300), kind=st.sampled_from(FORMATS))
def test_any_text_is_notes_or_refused(tmp_path_factory, content, kind):
    path = tmp_path_factory.getbasetemp() / "notes.any"
    path.write_text(content, encoding="utf-8", errors="replace")
    try:
        notes = read_notes(path, kind, path.parent, 3, "g")
    except AnnotationError:
        return
    assert notes


def test_an_led_number_as_pandas_writes_it_is_that_led(images, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text("stem,led,x,y\na,1.0,10,20\na,3.0,30,40\n")
    (note,) = read_notes(path, "csv", images, 3, "g")
    assert note.points == ((0, 10.0, 20.0), (2, 30.0, 40.0))


def test_only_the_ending_of_an_image_file_is_left_out_of_a_stem(images, tmp_path):
    for name in ("eye.0001", "eye.0002"):
        Image.fromarray(np.zeros((48, 64), np.uint8)).save(images / f"{name}.png")
    path = tmp_path / "notes.csv"
    path.write_text("stem,led,x,y\neye.0001,1,1,1\neye.0002.png,1,2,2\n")
    notes = read_notes(path, "csv", images, 3, "g")
    assert [(note.stem, note.path.is_file()) for note in notes] == [("eye.0001", True), ("eye.0002", True)]


def test_a_cvat_point_outside_the_frame_is_absent(images, tmp_path):
    path = tmp_path / "notes.xml"
    path.write_text(cvat()[1].replace('points="10.50,20.25"', 'outside="1" points="10.50,20.25"'))
    notes = {note.path.stem: note.points for note in read_notes(path, "cvat", images, 3, "g")}
    assert len(notes["a"]) == len(TRUTH["a"]) - 1
