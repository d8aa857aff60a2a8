import json

import numpy as np
import pytest
from PIL import Image

from glint_unet.data.annotation.image_annotation import AnnotationFile
from glint_unet.data.annotation.readers import read_annotations
from glint_unet.data.images import read_image
from glint_unet.errors import AnnotationError, GlintError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.page.annotate_frames import describe_model, find_frames
from glint_unet.page.annotate_session import Session, prefix_of
from glint_unet.page.worker import Worker


@pytest.fixture(scope="module")
def worker():
    one = Worker()
    yield one
    one.close()


@pytest.fixture
def images(eyes_frames, tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    for k in range(4):
        Image.fromarray(eyes_frames[k]).save(folder / f"eye_{k}.png")
    return folder


@pytest.fixture
def session(images, eyes_run, worker, tmp_path):
    return opened(images, eyes_run, worker, tmp_path / "notes")


def opened(source, run, worker, folder):
    frames = find_frames(source, folder.parent, 4)
    return Session(frames, describe_model(str(run), None).labels, worker, str(run), None, folder)


def saved_points(path):
    (annotation,) = read_annotations(AnnotationFile(path, path.parent, "g"), "labelme")
    annotation.inspect()
    return {point.label: (point.x, point.y) for point in annotation.points}


def test_a_frame_shows_what_the_model_finds(session, eyes_run, eyes_frames):
    glints = GlintDetector.load(eyes_run).candidates(eyes_frames[0][None, ..., None])
    spots = session.note().spots
    assert [spot.is_present for spot in spots] == glints.present[0].tolist()
    assert [spot.score for spot in spots] == pytest.approx(glints.scores[0].tolist())
    assert {spot.origin for spot in spots} == {"model"}
    assert session.num_edits == 0


def test_corrections_are_saved_and_shown_again_in_a_later_session(session, images, eyes_run, worker):
    session.move(0, 12.25, 30.5)
    if session.note().spots[1].is_present:
        session.toggle(1)
    edits = session.num_edits
    path = session.save()
    assert saved_points(path) == {"g1": (12.25, 30.5)}
    again = opened(images, eyes_run, worker, session.folder)
    assert [spot.is_present for spot in again.note().spots] == [True, False]
    assert (again.note().spots[0].x, again.note().spots[0].y) == (12.25, 30.5)
    assert again.note().is_saved
    assert (edits, again.num_edits, again.num_saved) == (session.num_edits, 0, 1)


def test_an_absent_led_appears_where_the_model_expects_it(session):
    spot = session.note().spots[0]
    session.toggle(0)
    session.toggle(0)
    assert session.note().spots[0].is_present
    assert abs(session.note().spots[0].x - spot.x) < 1e-6 or not 0 <= spot.x <= 63


def test_a_point_cannot_leave_the_image(session):
    session.move(1, -40, 400)
    assert (session.note().spots[1].x, session.note().spots[1].y) == (0, 47)


def test_what_the_model_says_can_be_restored(session):
    before = list(session.note().spots)
    session.move(0, 1, 1)
    session.as_the_model_says()
    assert session.note().spots == before


def test_what_labelme_wrote_besides_leds_survives(session):
    path = session.save()
    content = json.loads(path.read_text())
    content["shapes"] = [
        {"label": "pupil", "shape_type": "polygon", "points": [[1, 2], [3, 4], [5, 6]], "flags": {}},
        {"label": "g2", "shape_type": "circle", "points": [[20, 21], [23, 21]], "flags": {}},
    ]
    path.write_text(json.dumps(content))
    session._notes.clear()
    session.move(1, 25, 26)
    session.save()
    shapes = json.loads(path.read_text())["shapes"]
    assert shapes[0]["points"] == [[25, 26], [28, 26]]
    assert shapes[1] == content["shapes"][0]


def test_frames_of_a_video_are_saved_beside_their_annotations(eyes_video, eyes_run, worker, tmp_path):
    session = opened(eyes_video, eyes_run, worker, tmp_path / "notes")
    session.go(99)
    assert session.position == 3
    session.prepare(3)
    session.prepare(4)  # there is none
    path = session.save()
    assert path.name == "eye_000030.json"
    assert read_image(path.with_suffix(".png")).shape == (48, 64)
    saved_points(path)


def test_a_broken_annotation_or_a_vanished_image_is_one_line(session, images):
    session.folder.mkdir()
    (session.folder / "eye_0.json").write_text('{"shapes": [{"label": "g7"')
    with pytest.raises(AnnotationError) as caught:
        session.note()
    assert "\n" not in str(caught.value)
    (images / "eye_1.png").unlink()
    session.go(1)
    with pytest.raises(GlintError, match="eye_1"):
        session.note()
    session.go(2)
    assert np.isfinite([spot.x for spot in session.note().spots]).all()


def test_the_prefix_is_what_names_begin_with():
    assert prefix_of(["g1", "g2"]) == "g"
    assert prefix_of(["glint1"]) == "glint"
