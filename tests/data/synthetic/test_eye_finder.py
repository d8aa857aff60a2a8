import numpy as np
import pytest

from glint_unet.data.synthetic.drawing import render_eye
from glint_unet.data.synthetic.eye_finder import eye_candidates, likeliest_eyes
from glint_unet.data.synthetic.glints import sample_kind
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_scene

RIG = Rig.ring(8, image_size=(160, 200), level="easy")


def drawn_eyes(num):
    """Drawn eyes that are open and their scenes."""
    for index in range(num):
        kind = sample_kind(RIG, 4, index)
        scene = sample_scene(kind.rng, RIG, kind.level, kind.variation)
        if scene.openness > 0.6:
            yield render_eye(RIG, 4, index)[0], scene


def test_pupil_and_iris_of_nearly_every_open_drawn_eye_are_found_despite_glints():
    images, scenes = zip(*drawn_eyes(20), strict=True)
    eyes = likeliest_eyes([eye_candidates(image) for image in images])
    found = [(eye, scene) for eye, scene in zip(eyes, scenes, strict=True) if eye is not None]
    assert len(found) >= 0.9 * len(scenes)
    pupils = [np.linalg.norm(eye.pupil - scene.iris) / scene.iris_radius for eye, scene in found]
    irises = [abs(eye.iris_radius / scene.iris_radius - 1) for eye, scene in found]
    assert np.quantile(pupils, 0.9) < 0.1
    assert np.quantile(irises, 0.9) < 0.12


def test_an_image_without_an_eye_has_none():
    noise = np.random.default_rng(0).integers(90, 110, (120, 160), dtype=np.uint8)
    assert likeliest_eyes([eye_candidates(noise), eye_candidates(np.zeros((32, 32), np.uint8))]) == [None, None]


def test_what_is_unlike_the_other_frames_is_no_eye():
    """A dark spot elsewhere, as a brow in a blink: much smaller than the irises of the other frames."""
    y, x = np.mgrid[:160, :200]
    brow = (150 - 60 * (np.hypot(x - 60, y - 40) < 12) - 40 * (np.hypot(x - 60, y - 40) < 6)).astype(np.uint8)
    eyes = [eye_candidates(image) for image, _ in drawn_eyes(8)]
    assert eye_candidates(brow)
    assert likeliest_eyes([*eyes, eye_candidates(brow)])[-1] is None


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_an_eye_moves_with_its_image(factor):
    image, _ = next(drawn_eyes(5))
    eye = eye_candidates(image)[0]
    moved = eye.moved(np.array([factor, factor]), np.array([3.0, -1.0]))
    assert np.allclose(moved.pupil, (eye.pupil + 0.5) * factor - 0.5 + [3, -1])
    assert moved.iris_radius == pytest.approx(factor * eye.iris_radius)
    assert np.allclose(eye.mirrored(200).mirrored(200).iris, eye.iris)
    assert eye.mirrored(200).iris[0] == 199 - eye.iris[0]
