"""Where eye, iris, lids and reflections are in one image: sampled from a rig and a level."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import Floats
from glint_unet.data.synthetic.levels import Level
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.variation import AS_THE_LEVEL, Variation

# lengths in this package are in design pixels: pixels of an image whose shorter side is this
_DESIGN_SIDE = 256.0


@dataclass(frozen=True)
class EyeScene:
    """Where things are in one image, in pixels.

    Attributes:
        unit: pixels per design pixel.
        eye: (2,) centre of the lid opening.
        iris: (2,) centre of the iris; `iris_radius` and `pupil_radius` belong to it.
        squeeze: (2, 2) matrix that makes a turned iris's ellipse a circle again.
        openness: 1 wide open, 0 closed; `tilt`: slope of the line between the corners of the eye.
        glints: (C, 2) every LED's reflection, whether visible or not.
        on_cornea: (C,) bool.
        gaze: (2,) direction, length 1 at the corner of the eye.
        variation: the person, camera and headset.
    """

    unit: float
    eye: Floats
    iris: Floats
    iris_radius: float
    pupil_radius: float
    squeeze: Floats
    openness: float
    tilt: float
    glints: Floats
    on_cornea: NDArray[np.bool_]
    gaze: Floats
    variation: Variation


class Pose(NamedTuple):
    """What moves from frame to frame: gaze (2,) as in `EyeScene`, and the share to which the lids are open."""

    gaze: Floats
    opening: float


def sample_scene(
    rng: np.random.Generator,
    rig: Rig,
    level: Level,
    variation: Variation = AS_THE_LEVEL,
    pose: Pose | None = None,
) -> EyeScene:
    """A random scene of the given level, with the rig's LEDs reflected in the cornea.

    With a pose, everything else is a function of the random numbers, whatever the pose.
    """
    H, W = rig.image_size
    gaze = sample_in_disc(rng) * level.gaze
    gaze = gaze if pose is None else pose.gaze
    shift = rng.uniform(-level.shift, level.shift, 2)
    scale, design_radius = rng.uniform(0.92, 1.08), rng.uniform(46, 60)
    unit = min(H, W) / _DESIGN_SIDE
    if variation.iris_share is not None:
        unit = min(H, W) * variation.iris_share / (design_radius * scale)
    eye = (0.5 + variation.place) * np.array([W, H]) + shift * unit
    iris_radius = design_radius * unit * scale
    iris = eye + gaze * np.array([36, 24]) * unit * scale
    openness = rng.uniform(0, 0.3) if rng.random() < level.blink else rng.uniform(*level.openness)
    openness = openness if pose is None else pose.opening * level.openness[1]
    roll = np.deg2rad(rng.uniform(-level.roll_deg, level.roll_deg))
    turn = np.array([[np.cos(roll), -np.sin(roll)], [np.sin(roll), np.cos(roll)]])
    leds = rig.positions() @ turn.T + rng.uniform(-0.03, 0.03, (rig.num_leds, 2))
    distance = np.linalg.norm(leds, axis=-1)
    mirror = 1 + 0.06 * (distance**2 - 1) + 0.18 * leds @ gaze  # larger towards the flatter edge of the cornea
    layout = (leds * (mirror * rng.uniform(*rig.layout_size) * iris_radius)[:, None]) @ variation.ring
    head = rng.uniform(-3, 3, 2) * unit + variation.displacement * iris_radius  # the camera is not on the LEDs' axis
    glints = eye + gaze * np.array([18, 12]) * unit * scale + head + layout
    on_cornea = np.linalg.norm(glints - iris, axis=-1) < variation.cornea * iris_radius
    angle = min(float(np.linalg.norm(gaze)), 1.2) * 0.5  # radians
    along = gaze / max(float(np.linalg.norm(gaze)), 1e-6)
    squeeze = np.eye(2) + (1 / np.cos(angle) - 1) * np.outer(along, along)
    return EyeScene(
        unit=unit,
        eye=eye,
        iris=iris,
        iris_radius=float(iris_radius),
        pupil_radius=float(iris_radius * rng.uniform(0.25, 0.65)),
        squeeze=squeeze,
        openness=float(openness),
        tilt=float(np.tan(roll) + rng.uniform(-0.06, 0.06)),
        glints=glints.astype(np.float32),
        on_cornea=on_cornea,
        gaze=gaze,
        variation=variation,
    )


def sample_in_disc(rng: np.random.Generator) -> Floats:
    """(2,): a point sampled uniformly from the unit disc."""
    angle, radius = rng.uniform(0, 2 * np.pi), np.sqrt(rng.random())
    point: Floats = np.array([np.cos(angle), np.sin(angle)]) * radius
    return point
