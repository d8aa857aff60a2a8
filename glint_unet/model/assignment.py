"""Which peak is which LED: all LEDs of an image decided together, by the constellation.

Every pair of high peaks, taken as every pair of LEDs whose direction fits, is a hypothesis (`hypotheses.py`): it says
where all other LEDs must be. A hypothesis gains by each peak near a predicted place, the more the surer the network is
that the peak is a glint, and that LED's. The best ones are refined to affine images of the layout, and the best of
these names the peaks. So LEDs that the network confuses are told apart by their places, weak peaks count where an LED
must be, and lone bright spots elsewhere do not. Nothing is random, and the order of the peaks does not matter.

Numpy alone is needed. Legend: B images, M peaks, C LEDs, K hypotheses.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.model.constellation import Constellation, solve_affine
from glint_unet.model.hypotheses import COARSE, COINCIDENCE, hypotheses
from glint_unet.model.layout_fits import FAR, Fits, Floats, Peaks, clipped, log_odds, log_share, pick

_IMAGES_AT_ONCE = 16
_COINCIDENCE_AT_LAST = 3.5  # see COINCIDENCE

# log-odds that a LED's glint is there, by logistic regression on drawn eyes, half of them made unlike those trained on
# (docs/experiments.md): log-odds of the peak's height, log-share of the LED in it, squared distance from the predicted
# place in units of the spread, log of the predicted standard deviation in pixels
_PRESENCE = (1.1, 1.2, -0.43, -1.3)
_PRESENCE_BY_OTHER, _MOST_OTHERS = 0.4, 4.0  # per other LED whose peak is there, counted by its height
_PRESENCE_BIAS = -0.7
_SIGMA_RANGE = (0.05, 5.0)


class Assignment(NamedTuple):
    """The glint of every LED.

    Attributes:
        points: (B, C, 2) float32, (x, y) in the pixels of the peaks: the peak of the LED, or, where it has none, the
            place where it would be.
        scores: (B, C) float32, 0..1: how sure it is that the LED's glint is there.
        sigmas: (B, C) float32, predicted standard deviations in the same pixels.
    """

    points: Floats
    scores: Floats
    sigmas: Floats


def assign(
    points: NDArray[Any],
    scores: NDArray[Any],
    sigmas: NDArray[Any],
    constellation: Constellation,
    near: NDArray[Any] | None = None,
) -> Assignment:
    """Names the peaks of images: which LED's glint each of them is, if any.

    Args:
        points: (B, M, 2), (x, y) of the peaks in pixels of the network's input: `peak_points` of an .onnx file.
        scores: (B, M, C), 0..1: `peak_scores`; or (B, M, 1) of a class-free network, for all LEDs alike.
        sigmas: (B, M), standard deviations in pixels: `peak_sigmas`.
        constellation: `Constellation.from_dict` of the .onnx file's metadata.
        near: (B, C, 2) places of all LEDs, in the same pixels, that the layout is close to, as in the frame before: the
            only hypothesis, at a fraction of the cost. None: anywhere.
    """
    num_leds = len(constellation.layout)
    if not len(points):
        return Assignment(*(np.zeros(shape, np.float32) for shape in ((0, num_leds, 2), (0, num_leds), (0, num_leds))))
    starts = range(0, len(points), _IMAGES_AT_ONCE)
    parts = [slice(start, start + _IMAGES_AT_ONCE) for start in starts]
    known = [None if near is None else near[part] for part in parts]
    named = [_assign(points[p], scores[p], sigmas[p], constellation, k) for p, k in zip(parts, known, strict=True)]
    return named[0] if len(named) == 1 else Assignment(*(np.concatenate(arrays) for arrays in zip(*named, strict=True)))


def _assign(
    points: NDArray[Any],
    scores: NDArray[Any],
    sigmas: NDArray[Any],
    constellation: Constellation,
    near: NDArray[Any] | None,
) -> Assignment:
    """As `assign`, of images few enough for their arrays to stay in the processor's cache."""
    if scores.shape[2] != len(constellation.layout):
        scores = np.broadcast_to(scores, (*scores.shape[:2], len(constellation.layout)))
    peaks = Peaks.of(points, scores, sigmas)
    if near is None:
        fits, is_plausible = hypotheses(peaks, constellation)
        fits = _refined(fits, peaks, constellation)
        gains, _ = _matched(fits, peaks, constellation, 1.0, COINCIDENCE)
        total = np.where(is_plausible, gains.sum(axis=-1) + _prior(fits, constellation), FAR)
        best = fits.at(total.argmax(axis=1)[:, None])
    else:
        best = _refined(_through(near, constellation), peaks, constellation)
    gains, matches = _matched(best, peaks, constellation, 1.0, _COINCIDENCE_AT_LAST)
    return _named(best, gains[:, 0], matches[:, 0], peaks, constellation)


def _through(places: NDArray[Any], constellation: Constellation) -> Fits:
    """(B, 1): the layout as it lies at the places (B, C, 2) of all LEDs."""
    at = (places[..., 0] + 1j * places[..., 1]).astype(np.complex64)
    t = at.mean(axis=-1, keepdims=True)
    z, v = solve_affine(constellation.positions, at - t, (constellation.spread / constellation.squeeze) ** 2)
    return Fits(t, z, v)


def _refined(fits: Fits, peaks: Peaks, constellation: Constellation) -> Fits:
    """Fits affine images to the peaks that are matched, twice, with a tolerance that narrows."""
    layout = constellation.positions
    prior_weight = (constellation.spread / constellation.squeeze) ** 2
    for coarse in (COARSE, (COARSE + 1) / 2):
        gains, matches = _matched(fits, peaks, constellation, coarse, COINCIDENCE)
        weights = gains / (gains + 1)
        at = pick(peaks.at, matches)  # (B, K, C)
        whole = weights.sum(axis=-1, keepdims=True) + np.float32(1e-6)
        centre_q = (weights * layout).sum(axis=-1, keepdims=True) / whole
        centre_p = (weights * at).sum(axis=-1, keepdims=True) / whole
        root = np.sqrt(weights)
        z, v = solve_affine(root * (layout - centre_q), root * (at - centre_p), prior_weight)
        new = Fits(*(part[..., 0] for part in (centre_p - z * centre_q - v * centre_q.conj(), z, v)))
        is_fitted = (gains > 0).sum(axis=-1) >= 2
        fits = Fits(*(np.where(is_fitted, *parts) for parts in zip(new, fits, strict=True)))
    return fits


def _matched(
    fits: Fits, peaks: Peaks, constellation: Constellation, coarse: float, coincidence: float
) -> tuple[Floats, NDArray[np.int64]]:
    """What each LED gains by its best peak, and that peak: (B, K, C); 0 where it has none. No two share a peak."""
    away = fits.places(constellation)[:, :, None] - peaks.at[:, None, :, None]  # (B, K, M, C)
    variance = fits.variance(constellation.spread * coarse)[..., None, None]
    gains = peaks.evidence[:, None] + np.float32(coincidence) - (away.real**2 + away.imag**2) / (2 * variance)
    np.putmask(gains, gains < gains.max(axis=-1, keepdims=True), 0)
    matches = gains.argmax(axis=2)
    return gains.max(axis=2, initial=0), matches


def _prior(fits: Fits, constellation: Constellation) -> Floats:
    """Log-probability of turn and squeeze, up to a constant; very low outside the range of sizes."""
    size2, (low, high) = fits.size2, constellation.size_px
    squeeze2 = (fits.v.real**2 + fits.v.imag**2) / np.maximum(size2, 1e-6)
    prior = -fits.turn_penalty(constellation) - 0.5 * squeeze2 / constellation.squeeze**2
    return np.where((size2 < (0.9 * low) ** 2) | (size2 > (1.1 * high) ** 2), FAR, prior)


def _named(
    fit: Fits, gains: Floats, matches: NDArray[np.int64], peaks: Peaks, constellation: Constellation
) -> Assignment:
    """The LEDs' glints: where a LED has a peak, its position; else its predicted place, and score 0."""
    places, size = fit.places(constellation)[:, 0], np.sqrt(fit.size2 + np.float32(1e-6))
    has_peak = gains > 0
    at = pick(peaks.at, matches)
    peak_sigmas, highest = (pick(part, matches) for part in (peaks.sigmas, peaks.highest))
    own = peaks.scores[np.arange(len(matches))[:, None], matches, np.arange(matches.shape[1])]
    away2 = (np.abs(at - places) / (constellation.spread * size)) ** 2
    others = np.where(has_peak, highest, 0).sum(axis=1, keepdims=True) - highest
    clues = (log_odds(highest), log_share(own, highest), away2, np.log(clipped(peak_sigmas, *_SIGMA_RANGE)))
    presence = sum(weight * clue for weight, clue in zip(_PRESENCE, clues, strict=True))
    presence = presence + _PRESENCE_BY_OTHER * np.minimum(others, _MOST_OTHERS) + _PRESENCE_BIAS
    scores = np.where(has_peak, 1 / (1 + np.exp(-clipped(presence, -30, 30))), 0)
    shown = np.where(has_peak, at, places)
    sigmas = np.where(has_peak, peak_sigmas, constellation.spread * size)
    points = np.stack([shown.real, shown.imag], axis=-1)
    return Assignment(points, scores.astype(np.float32), sigmas.astype(np.float32))
