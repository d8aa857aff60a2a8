import numpy as np

from glint_unet.data.synthetic.eyeball import draw_eyeball
from glint_unet.data.synthetic.levels import LEVELS
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import sample_scene


def test_the_pupil_is_darker_than_the_iris_and_the_iris_than_the_sclera():
    for k in range(10):
        rng = np.random.default_rng(k)
        scene = sample_scene(rng, Rig.ring(4), LEVELS["easy"])
        image = draw_eyeball(rng, scene, LEVELS["easy"], (256, 256), 1.5)
        rows, columns = np.mgrid[:256, :256]
        distance = np.hypot(columns - scene.iris[0], rows - scene.iris[1])
        pupil = np.median(image[distance < 0.7 * scene.pupil_radius])
        iris = np.median(image[(distance > 1.2 * scene.pupil_radius) & (distance < 0.8 * scene.iris_radius)])
        sclera = np.median(image[distance > 1.2 * scene.iris_radius])
        assert pupil < iris < sclera
