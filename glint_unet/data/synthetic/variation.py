"""What differs between people, cameras and headsets: sampled once for each image of level 'mixed'.

The levels easy, medium and hard are three fixed kinds of scenes, made for judging: their eyes fill about the same part
of the image and have similar tones. A network trained on them alone fails on real eyes of other sizes and tones. Level
'mixed' takes one of them for each image and varies what they keep fixed in `VARIED` of the images.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import Floats

Range = tuple[float, float]

IRIS_SHARE: Range = (0.08, 0.6)  # of the image's shorter side: from half a face to a close-up
VARIED = 0.85  # share of the images
_SPOT_SCALE: Range = (0.35, 1.0)


@dataclass(frozen=True)
class Tones:
    """Grey levels of what an eye consists of, before gain and gamma."""

    skin: float
    sclera: float
    iris: float
    pupil: float
    lashes: float


@dataclass(frozen=True)
class LidShape:
    """Shape of the lid opening in design pixels.

    Attributes:
        width: half the distance between the corners of the eye.
        sag: how far the closed lids' meeting line hangs below the corners.
        upper, lower: how far the wide-open lids are from that line, at the middle of the eye.
    """

    width: float = 108.0
    sag: float = 24.0
    upper: float = 78.0
    lower: float = 16.0


@dataclass(frozen=True)
class Variation:
    """One image's person, camera and headset; the defaults leave a scene as its level draws it.

    Attributes:
        iris_share: iris radius as a share of the image's shorter side; None: as the level draws it.
        place: (2,) offset of the eye from the middle of the image, as a share of the image's sides.
        spot_scale: size of reflections relative to the level's; least_sigma_px: they are never smaller than this.
        brightness: of reflections relative to the level's; least_contrast: grey levels below which a glint is absent.
        least_share: a glint is also absent below this share of the contrast of the image's brightest one.
        ring: (2, 2) matrix that squeezes and turns the reflected layout.
        displacement: (2,) offset of the layout from where the level places it, in iris radii.
        lit: (C,) bool, LEDs whose light nothing blocks; None: all.
        peak_spread: LEDs' brightness varies by a further factor down to this.
        cornea: glints nearer to the iris centre than this share of its radius lie on the cornea.
        tones: None: as the level draws them.
        lids: shape of the lid opening.
        limbus: darkening of the iris' rim, 0..1; crypts: contrast of patches in the iris in grey levels.
        thick_lashes: factor on the lashes' width.
        iris_spots: probability that a spot that falls on the iris is drawn.
        cluster: number of small reflections in a cluster beside the limbus; lid_dots: along the lower lid;
        streaks: number of long bright streaks.
        gain, gamma, offset: photometry of everything but the reflections.
        rim: whether the headset's rim darkens what lies outside a circle.
        pattern: amplitude of fixed-pattern noise in grey levels.
        noise: factor on the level's read and shot noise.
        padding: (top, bottom, left, right) shares of the image that repeat its border, as the detector pads images of
            another shape.
    """

    iris_share: float | None = None
    place: Floats = field(default_factory=lambda: np.zeros(2))
    spot_scale: float = 1.0
    brightness: float = 1.0
    least_contrast: float = 12.0
    least_share: float = 0.0
    least_sigma_px: float = 0.0
    ring: Floats = field(default_factory=lambda: np.eye(2))
    displacement: Floats = field(default_factory=lambda: np.zeros(2))
    lit: NDArray[np.bool_] | None = None
    peak_spread: float = 1.0
    cornea: float = 0.94
    tones: Tones | None = None
    lids: LidShape = LidShape()
    limbus: float = 0.0
    crypts: float = 0.0
    thick_lashes: float = 1.0
    iris_spots: float = 0.25
    cluster: int = 0
    lid_dots: int = 0
    streaks: int = 0
    gain: float = 1.0
    gamma: float = 1.0
    offset: float = 0.0
    rim: bool = False
    pattern: float = 0.0
    noise: float = 1.0
    padding: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


AS_THE_LEVEL = Variation()


def sample_variation(rng: np.random.Generator, num_leds: int, iris_share: Range) -> Variation:
    """Person, camera and headset of one image.

    Args:
        rng: random numbers.
        num_leds: C.
        iris_share: least and greatest iris radius as a share of the image's shorter side, log-uniform.
    """
    share = _log_uniform(rng, iris_share)
    free = max(0.5 - share, 0.0) * 0.75
    angle, displaced = rng.uniform(0, 2 * np.pi), 0.3 * np.sqrt(rng.random())
    return Variation(
        iris_share=share,
        place=rng.uniform(-free, free, 2),
        spot_scale=_log_uniform(rng, _SPOT_SCALE),
        brightness=_log_uniform(rng, (0.3, 1.0)),
        least_contrast=10.0,
        least_share=0.15,
        least_sigma_px=0.45,
        ring=_squeezed(rng),
        displacement=displaced * np.array([np.cos(angle), np.sin(angle)]),
        lit=_lit(rng, num_leds),
        peak_spread=_log_uniform(rng, (0.3, 1.0)),
        cornea=1.0,
        tones=_tones(rng),
        lids=LidShape(rng.uniform(85, 135), rng.uniform(8, 32), rng.uniform(55, 90), rng.uniform(8, 40)),
        limbus=rng.uniform(0, 0.6),
        crypts=rng.uniform(0, 14),
        thick_lashes=_log_uniform(rng, (0.6, 2.5)),
        iris_spots=0.08,
        cluster=int(rng.integers(3, 40)) if rng.random() < 0.35 else 0,
        lid_dots=int(rng.integers(3, 25)) if rng.random() < 0.3 else 0,
        streaks=int(rng.integers(1, 4)) if rng.random() < 0.12 else 0,
        gain=_log_uniform(rng, (0.4, 1.3)),
        gamma=_log_uniform(rng, (0.7, 1.5)),
        offset=rng.uniform(0, 20),
        rim=bool(rng.random() < 0.25),
        pattern=rng.uniform(1, 7) if rng.random() < 0.3 else 0.0,
        noise=rng.uniform(0.1, 1.0),
        padding=_padding(rng),
    )


def _log_uniform(rng: np.random.Generator, limits: Range) -> float:
    return float(np.exp(rng.uniform(*np.log(limits))))


def _squeezed(rng: np.random.Generator) -> Floats:
    """The layout squeezed along any direction by up to a quarter, and made larger or smaller by up to a seventh."""
    angle, factor, size = rng.uniform(0, np.pi), rng.uniform(0.75, 1.0), _log_uniform(rng, (0.87, 1.15))
    along = np.array([np.cos(angle), np.sin(angle)])
    matrix: Floats = (np.eye(2) - (1 - factor) * np.outer(along, along)) * size / np.sqrt(factor)
    return matrix


def _lit(rng: np.random.Generator, num_leds: int) -> NDArray[np.bool_]:
    """LEDs hidden one by one, or as a neighbouring group, as a lid or a dirty lens hides them."""
    lit: NDArray[np.bool_] = rng.random(num_leds) >= rng.uniform(0, 0.4) * (rng.random() < 0.5)
    if num_leds > 3 and rng.random() < 0.5:
        hidden = (rng.integers(num_leds) + np.arange(rng.integers(1, max(2, round(num_leds * 0.6))))) % num_leds
        lit[hidden] = False
    return lit


def _tones(rng: np.random.Generator) -> Tones:
    skin = _log_uniform(rng, (60, 240))
    sclera = skin * _log_uniform(rng, (0.5, 1.3))
    iris = sclera * rng.uniform(0.25, 0.95)
    pupil = iris * rng.uniform(0.1, 0.75) if rng.random() > 0.06 else iris * rng.uniform(1.2, 2.5)
    return Tones(skin, sclera, iris, pupil, skin * rng.uniform(0.1, 1.05))


def _padding(rng: np.random.Generator) -> tuple[float, float, float, float]:
    if rng.random() >= 0.35:
        return (0.0, 0.0, 0.0, 0.0)
    share = rng.uniform(0.03, 0.24)
    return (share, share, 0.0, 0.0) if rng.random() < 0.75 else (0.0, 0.0, share, share)
