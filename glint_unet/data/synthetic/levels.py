"""How hard synthetic scenes are: easy, medium, hard."""

from dataclasses import dataclass

Range = tuple[float, float]


@dataclass(frozen=True)
class Level:
    """How hard the scenes are; ranges (min, max) are sampled uniformly unless noted, lengths are in design pixels.

    Attributes:
        gaze: maximum eye rotation; 1 brings the iris near the corner of the eye.
        shift: maximum offset of the eye from the image centre.
        roll_deg: maximum head roll.
        openness: lid opening; 1 is wide open.
        blink, missing: probability of a closed or closing eye; probability that an LED is off.
        peak: height of a glint above its surroundings in grey levels before clipping, log-uniform.
        peak_spread: an LED's peak relative to the image's, log-uniform down to this factor.
        sigma: standard deviation of a glint.
        defocus, motion: standard deviation of the blur, and length of the smear.
        noise: standard deviation of read noise in grey levels; `shot`: of shot noise at white.
        spots: number of bright spots that are not glints, each as bright as a glint.
        gloss: number of small sparkles on skin and lid margin.
        lashes: number of lashes; `droop`: probability that an upper lash hangs over the eye.
        spectacles: probability of reflections on a spectacle lens.
        vignetting: maximum loss of light in the corners.
        bright_pupil: probability of an LED near the camera's axis, which makes the pupil bright.
    """

    gaze: float
    shift: float
    roll_deg: float
    openness: Range
    blink: float
    missing: float
    peak: Range
    peak_spread: float
    sigma: Range
    defocus: Range
    motion: Range
    noise: Range
    shot: Range
    spots: Range
    gloss: Range
    lashes: Range
    droop: float
    spectacles: float
    vignetting: float
    bright_pupil: float


LEVELS = {
    "easy": Level(
        gaze=0.8, shift=12, roll_deg=5, openness=(0.65, 1), blink=0.03, missing=0.04, peak=(130, 500), peak_spread=0.7,
        sigma=(1.5, 2.4), defocus=(0, 0.8), motion=(0, 0.5), noise=(1, 4), shot=(0, 2), spots=(0, 5), gloss=(0, 35),
        lashes=(10, 30), droop=0.05, spectacles=0.0, vignetting=0.15, bright_pupil=0.0,
    ),
    "medium": Level(
        gaze=1.0, shift=20, roll_deg=9, openness=(0.5, 1), blink=0.05, missing=0.08, peak=(70, 900), peak_spread=0.5,
        sigma=(1.3, 2.8), defocus=(0, 1.5), motion=(0, 2.5), noise=(2, 8), shot=(0, 4), spots=(0, 10), gloss=(0, 90),
        lashes=(15, 45), droop=0.2, spectacles=0.12, vignetting=0.3, bright_pupil=0.05,
    ),
    "hard": Level(
        gaze=1.1, shift=30, roll_deg=15, openness=(0.3, 1), blink=0.08, missing=0.15, peak=(40, 1500), peak_spread=0.35,
        sigma=(1.1, 3.2), defocus=(0, 2.5), motion=(0, 6), noise=(3, 14), shot=(0, 8), spots=(2, 20), gloss=(0, 200),
        lashes=(20, 60), droop=0.35, spectacles=0.35, vignetting=0.5, bright_pupil=0.12,
    ),
}  # fmt: skip
