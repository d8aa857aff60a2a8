"""The rig's LEDs in the cornea: how bright and large in one image, added to it, and which of them can be seen.

A keypoint is the true centre of an LED's reflection. It is absent where the LED is off, the reflection misses the
cornea, lids or lashes block more than half of its light, or its contrast after clipping is below three standard
deviations of the noise or `least_contrast` grey levels: 12 for the fixed levels, 10 for varied eyes,
where it must also reach `least_share` of the brightest glint's contrast.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from glint_unet.data.synthetic.canvas import Floats
from glint_unet.data.synthetic.levels import LEVELS, Level
from glint_unet.data.synthetic.reflections import Glow, Spots
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.scene import EyeScene
from glint_unet.data.synthetic.sensor import WHITE
from glint_unet.data.synthetic.variation import AS_THE_LEVEL, VARIED, Variation, sample_variation

_LEAST_TRANSMISSION = 0.5


@dataclass(frozen=True)
class Kind:
    """What one image is drawn from.

    Attributes:
        rng: random numbers of this image alone.
        level: how hard it is.
        variation: the person, camera and headset.
    """

    rng: np.random.Generator
    level: Level
    variation: Variation


def sample_kind(rig: Rig, seed: int, index: int) -> Kind:
    """Level and variation of the image with this number: a function of (rig, seed, index)."""
    random_numbers = np.random.Philox(key=[seed, index])
    rng = np.random.Generator(random_numbers)
    level = LEVELS[rig.level] if rig.level in LEVELS else list(LEVELS.values())[rng.integers(len(LEVELS))]
    if rig.level == "mixed":
        varied = np.random.Generator(random_numbers.jumped())
        if varied.random() < VARIED:
            return Kind(rng, level, sample_variation(varied, rig.num_leds, rig.iris_share))
    return Kind(rng, level, AS_THE_LEVEL)


def sample_glow(rng: np.random.Generator, scene: EyeScene, level: Level, defocus: float, smear: Floats) -> Glow:
    """Brightness and size of one image's reflections.

    Args:
        rng: random numbers.
        scene: where the LEDs' reflections are.
        level: ranges of brightness and size.
        defocus: standard deviation of the blur in pixels.
        smear: (2,) path of the motion blur in pixels.
    """
    num, variation = len(scene.glints), scene.variation
    brightness = float(np.exp(rng.uniform(*np.log(level.peak)))) * variation.brightness
    peaks = brightness * level.peak_spread ** rng.random(num)
    widths = rng.uniform(*level.sigma) * scene.unit * rng.uniform(0.9, 1.1, num)
    sigmas = np.maximum(np.hypot(widths, defocus) * variation.spot_scale, variation.least_sigma_px)
    return Glow(brightness, peaks, sigmas, smear)


@dataclass(frozen=True)
class AddedGlints:
    """The LEDs' reflections as they are in an image, each of C LEDs.

    Attributes:
        is_open: (C,) bool, lit, on the cornea and at most half covered.
        contrast: (C,) grey levels above what was there before, after clipping at white.
        least_contrast: below it, a glint cannot be seen.
        least_share: nor below this share of the brightest one's contrast: a trace that no annotator marks.
    """

    is_open: NDArray[np.bool_]
    contrast: Floats
    least_contrast: float = AS_THE_LEVEL.least_contrast
    least_share: float = AS_THE_LEVEL.least_share

    def visible(self, noise: float) -> NDArray[np.bool_]:
        """(C,) bool: which can be seen in noise of this standard deviation in grey levels."""
        brightest = float(self.contrast.max(where=self.is_open, initial=0))
        return self.is_open & (self.contrast >= max(self.least_contrast, 3 * noise, self.least_share * brightest))


def add_glints(
    rng: np.random.Generator, image: Floats, scene: EyeScene, level: Level, glow: Glow, cover: Floats, lashes: Floats
) -> AddedGlints:
    """Adds the LEDs' reflections in the cornea to an (H, W) float32 image.

    Args:
        rng: random numbers.
        image: changed in place.
        scene: where the reflections are.
        level: how often an LED is off.
        glow: brightness and size.
        cover, lashes: (H, W) share of each pixel covered by lids and by lashes.
    """
    num, variation = len(scene.glints), scene.variation
    glints = Spots(scene.glints, glow.sigmas, glow.smear, image.shape)
    transmission = glints.means(1 - cover) * glints.means(1 - lashes)
    is_lit, peaks = (rng.random(num) >= level.missing) & scene.on_cornea, glow.peaks
    if variation.lit is not None:
        is_lit &= variation.lit
        peaks = peaks * variation.peak_spread ** rng.random(num)
    heights = np.where(is_lit, peaks * transmission, 0)
    before = glints.means(image)
    glints.add_to(image, heights, lambda window: (1 - cover[window]) * (1 - lashes[window]))
    contrast = np.minimum(before + heights * glints.peak_share, WHITE) - np.minimum(before, WHITE)
    return AddedGlints(
        is_lit & (transmission >= _LEAST_TRANSMISSION), contrast, variation.least_contrast, variation.least_share
    )
