"""Which peak is which LED: all LEDs of an image decided together, by the constellation.

Every pair of high peaks, taken as every pair of LEDs whose direction fits, is a hypothesis: it says where all other
LEDs must be. A hypothesis gains by each peak near a predicted place, the more the surer the network is that the peak is
a glint, and that LED's. The best ones are refined to affine images of the layout, and the best of these names the
peaks. So LEDs that the network confuses are told apart by their places, weak peaks count where an LED must be, and lone
bright spots elsewhere do not. Nothing is random, and the order of the peaks does not matter.

Numpy alone is needed. Legend: B images, M peaks, C LEDs, K hypotheses.
"""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from glint_unet.model.constellation import Complex, Constellation, solve_affine

Floats = NDArray[np.float32]

_IMAGES_AT_ONCE = 16
_NUM_FIRST, _NUM_SECOND = 6, 10  # peaks, the highest ones, that make pairs
_NUM_TRIED, _NUM_REFINED = 96, 5
_LEAST_APART = 0.1  # LEDs of a pair, in units of the layout
_LARGEST_LEAN = 1.5  # a squeezed layout turns some pairs further than itself
_FAR = -1e9

_LEAST_SCORE, _IDENTITY_FLOOR = 0.01, 0.05
_IDENTITY_WEIGHT = 0.7
_COINCIDENCE = 2.0  # log-odds that a peak gains by lying where an LED may be
_COINCIDENCE_AT_LAST = 3.5
_COARSE = 2.0  # times the spread: the tolerance before squeeze is known
_FLOOR_PX = 0.3
_TURN_SHARE = 0.6  # standard deviation of the turn, as a share of its limit

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


class _Fit(NamedTuple):
    """Affine images of the layout: t, z, v (B, K)."""

    t: Complex
    z: Complex
    v: Complex

    def at(self, index: NDArray[np.int64]) -> "_Fit":
        return _Fit(*(_pick(part, index) for part in self))

    def places(self, layout: Complex) -> Complex:
        """(B, K, C) where the LEDs are."""
        places: Complex = self.t[..., None] + self.z[..., None] * layout + self.v[..., None] * layout.conj()
        return places


class _Peaks(NamedTuple):
    """Peaks in the order of their heights; at (B, M), scores (B, M, C), highest (B, M), sigmas (B, M).

    `evidence` (B, M, C): log-odds that the peak is a glint, and this LED's.
    """

    at: Complex
    scores: Floats
    highest: Floats
    sigmas: Floats
    evidence: Floats

    @classmethod
    def of(cls, points: NDArray[Any], scores: NDArray[Any], sigmas: NDArray[Any]) -> "_Peaks":
        if points.shape[1] == 1:  # a second one that is none, for there to be a pair
            points, sigmas = np.repeat(points, 2, axis=1), np.repeat(sigmas, 2, axis=1)
            scores = np.concatenate([scores, np.zeros_like(scores)], axis=1)
        highest = scores.max(axis=-1)
        order = np.lexsort((points[..., 1], points[..., 0], -highest), axis=-1)
        points = _pick(points, order).astype(np.float32)
        scores = _pick(scores, order).astype(np.float32)
        highest = scores.max(axis=-1)
        sigmas = _pick(sigmas, order).astype(np.float32)
        evidence = _log_odds(highest)[..., None] + _IDENTITY_WEIGHT * _log_share(scores, highest[..., None])
        at = (points[..., 0] + 1j * points[..., 1]).astype(np.complex64)
        return cls(at, scores, highest, sigmas, evidence)


def assign(
    points: NDArray[Any], scores: NDArray[Any], sigmas: NDArray[Any], constellation: Constellation
) -> Assignment:
    """Names the peaks of images: which LED's glint each of them is, if any.

    Args:
        points: (B, M, 2), (x, y) of the peaks in pixels of the network's input: `peak_points` of an .onnx file.
        scores: (B, M, C), 0..1: `peak_scores`; or (B, M, 1) of a class-free network, for all LEDs alike.
        sigmas: (B, M), standard deviations in pixels: `peak_sigmas`.
        constellation: `Constellation.from_dict` of the .onnx file's metadata.
    """
    num_leds = len(constellation.layout)
    if not len(points):
        return Assignment(*(np.zeros(shape, np.float32) for shape in ((0, num_leds, 2), (0, num_leds), (0, num_leds))))
    starts = range(0, len(points), _IMAGES_AT_ONCE)
    parts = [slice(start, start + _IMAGES_AT_ONCE) for start in starts]
    named = [_assign(points[part], scores[part], sigmas[part], constellation) for part in parts]
    return named[0] if len(named) == 1 else Assignment(*(np.concatenate(arrays) for arrays in zip(*named, strict=True)))


def _assign(
    points: NDArray[Any], scores: NDArray[Any], sigmas: NDArray[Any], constellation: Constellation
) -> Assignment:
    """As `assign`, of images few enough for their arrays to stay in the processor's cache."""
    scores = np.broadcast_to(scores, (*scores.shape[:2], len(constellation.layout)))
    peaks = _Peaks.of(points, scores, sigmas)
    fits, is_plausible = _hypotheses(peaks, constellation)
    fits = _refined(fits, peaks, constellation)
    gains, _ = _matched(fits, peaks, constellation, 1.0, _COINCIDENCE)
    total = np.where(is_plausible, gains.sum(axis=-1) + _prior(fits, constellation), _FAR)
    best = fits.at(total.argmax(axis=1)[:, None])
    gains, matches = _matched(best, peaks, constellation, 1.0, _COINCIDENCE_AT_LAST)
    return _named(best, gains[:, 0], matches[:, 0], peaks, constellation)


def _hypotheses(peaks: _Peaks, constellation: Constellation) -> tuple[_Fit, NDArray[np.bool_]]:
    """The best similarities (B, K) that pairs of peaks imply, one of a single peak, and whether each is plausible."""
    layout, (num_peaks, num_leds) = constellation.positions, peaks.scores.shape[1:]
    first, second = _peak_pairs(num_peaks)
    one, other = _led_pairs(num_leds)
    apart = layout[other] - layout[one]
    apart2 = apart.real**2 + apart.imag**2
    is_apart = apart2 >= _LEAST_APART**2
    inverse = (apart.conj() / np.where(is_apart, apart2, np.inf)).astype(np.complex64)  # else 0: no size at all
    z = (peaks.at[:, second] - peaks.at[:, first])[..., None] * inverse  # (B, pairs of peaks, pairs of LEDs)
    size2, low, high = z.real**2 + z.imag**2, *constellation.size_px
    lean = _slope(z)
    most = np.tan(np.radians(min(constellation.turn_deg * _LARGEST_LEAN, 85)))
    worth = peaks.evidence[:, first][:, :, one] + peaks.evidence[:, second][:, :, other]
    worth -= 0.5 * (lean / _turn_sd(constellation)) ** 2
    worth[(size2 < low**2) | (size2 > high**2) | (lean > most)] = _FAR
    worth = worth.reshape(len(worth), -1)
    tried = _highest(worth, _NUM_TRIED)
    pair, leds = tried // len(one), tried % len(one)
    z = _pick(z.reshape(worth.shape), tried)
    t = _pick(peaks.at, first[pair]) - z * layout[one[leds]]
    fits = _Fit(t, z, np.zeros_like(z))
    total = _quick_totals(fits, peaks, constellation) - 0.5 * (_slope(z) / _turn_sd(constellation)) ** 2
    total[_pick(worth, tried) <= _FAR] = _FAR
    chosen = _distinct(fits, total)
    lone = _lone(peaks, constellation)
    fits = _Fit(*(np.concatenate(parts, axis=1) for parts in zip(fits.at(chosen), lone, strict=True)))
    is_plausible = _pick(total, chosen) > _FAR
    return fits, np.concatenate([is_plausible, np.ones_like(is_plausible[:, :1])], axis=1)


def _lone(peaks: _Peaks, constellation: Constellation) -> _Fit:
    """(B, 1): the likeliest LED alone, in a layout of middling size: the best where there is but one glint."""
    num_leds = peaks.scores.shape[-1]
    likeliest = peaks.evidence.reshape(len(peaks.at), -1).argmax(axis=1)[:, None]
    low, high = constellation.size_px
    z = np.full(likeliest.shape, np.sqrt(low * high), dtype=np.complex64)
    at = _pick(peaks.at, likeliest // num_leds)
    return _Fit(at - z * constellation.positions[likeliest % num_leds], z, np.zeros_like(z))


def _quick_totals(fits: _Fit, peaks: _Peaks, constellation: Constellation) -> Floats:
    """What each similarity gains, (B, K), where two LEDs may share a peak: one matrix product."""
    places = fits.places(constellation.positions)
    rate = 0.5 / _variance(fits, constellation.spread * _COARSE)[..., None]
    x, y = places.real, places.imag
    ones = np.ones_like(x)
    of_places = np.stack([rate * (x * x + y * y), -2 * rate * x, -2 * rate * y, rate * ones], axis=1)
    px, py = peaks.at.real, peaks.at.imag
    of_peaks = np.stack([np.ones_like(px), px, py, px * px + py * py], axis=-1)
    B, K, C = x.shape
    far = (of_peaks @ of_places.reshape(B, 4, K * C)).reshape(B, -1, K, C)
    gains = (peaks.evidence + np.float32(_COINCIDENCE))[:, :, None] - far
    totals: Floats = np.maximum(gains.max(axis=1), 0).sum(axis=-1)
    return totals


def _refined(fits: _Fit, peaks: _Peaks, constellation: Constellation) -> _Fit:
    """Fits affine images to the peaks that are matched, twice, with a tolerance that narrows."""
    layout = constellation.positions
    prior_weight = (constellation.spread / constellation.squeeze) ** 2
    for coarse in (_COARSE, (_COARSE + 1) / 2):
        gains, matches = _matched(fits, peaks, constellation, coarse, _COINCIDENCE)
        weights = gains / (gains + 1)
        at = _pick(peaks.at, matches)  # (B, K, C)
        whole = weights.sum(axis=-1, keepdims=True) + np.float32(1e-6)
        centre_q = (weights * layout).sum(axis=-1, keepdims=True) / whole
        centre_p = (weights * at).sum(axis=-1, keepdims=True) / whole
        root = np.sqrt(weights)
        z, v = solve_affine(root * (layout - centre_q), root * (at - centre_p), prior_weight)
        new = _Fit(*(part[..., 0] for part in (centre_p - z * centre_q - v * centre_q.conj(), z, v)))
        is_fitted = (gains > 0).sum(axis=-1) >= 2
        fits = _Fit(*(np.where(is_fitted, *parts) for parts in zip(new, fits, strict=True)))
    return fits


def _matched(
    fits: _Fit, peaks: _Peaks, constellation: Constellation, coarse: float, coincidence: float
) -> tuple[Floats, NDArray[np.int64]]:
    """What each LED gains by its best peak, and that peak: (B, K, C); 0 where it has none. No two share a peak."""
    away = fits.places(constellation.positions)[:, :, None] - peaks.at[:, None, :, None]  # (B, K, M, C)
    variance = _variance(fits, constellation.spread * coarse)[..., None, None]
    gains = peaks.evidence[:, None] + np.float32(coincidence) - (away.real**2 + away.imag**2) / (2 * variance)
    gains[gains < gains.max(axis=-1, keepdims=True)] = 0
    matches = gains.argmax(axis=2)
    return np.maximum(gains.max(axis=2), 0), matches


def _prior(fits: _Fit, constellation: Constellation) -> Floats:
    """Log-probability of turn and squeeze, but for a constant; very low outside the range of sizes."""
    size2, (low, high) = _size2(fits), constellation.size_px
    squeeze2 = (fits.v.real**2 + fits.v.imag**2) / np.maximum(size2, 1e-6)
    prior = -0.5 * (_slope(fits.z) / _turn_sd(constellation)) ** 2 - 0.5 * squeeze2 / constellation.squeeze**2
    return np.where((size2 < (0.9 * low) ** 2) | (size2 > (1.1 * high) ** 2), _FAR, prior)


def _distinct(fits: _Fit, total: Floats) -> NDArray[np.int64]:
    """Indices (B, K) of the best hypotheses, no two of which are nearly the same."""
    left, chosen = total.copy(), []
    for _ in range(min(_NUM_REFINED, total.shape[1])):
        best = left.argmax(axis=1)[:, None]
        chosen.append(best)
        t, z = _pick(fits.t, best), _pick(fits.z, best)
        near2 = 0.09 * (z.real**2 + z.imag**2)
        moved, grown = fits.t - t, fits.z - z
        left[(moved.real**2 + moved.imag**2 < near2) & (grown.real**2 + grown.imag**2 < near2)] = _FAR
    return np.concatenate(chosen, axis=1)


def _named(
    fit: _Fit, gains: Floats, matches: NDArray[np.int64], peaks: _Peaks, constellation: Constellation
) -> Assignment:
    """The LEDs' glints: where a LED has a peak, its position; else its predicted place, and score 0."""
    places, size = fit.places(constellation.positions)[:, 0], np.sqrt(_size2(fit) + np.float32(1e-6))
    has_peak = gains > 0
    at = _pick(peaks.at, matches)
    peak_sigmas, highest = (_pick(part, matches) for part in (peaks.sigmas, peaks.highest))
    own = _pick(peaks.scores, matches)[:, np.arange(matches.shape[1]), np.arange(matches.shape[1])]
    away2 = (np.abs(at - places) / (constellation.spread * size)) ** 2
    others = np.where(has_peak, highest, 0).sum(axis=1, keepdims=True) - highest
    clues = (_log_odds(highest), _log_share(own, highest), away2, np.log(np.clip(peak_sigmas, *_SIGMA_RANGE)))
    log_odds = sum(weight * clue for weight, clue in zip(_PRESENCE, clues, strict=True))
    log_odds = log_odds + _PRESENCE_BY_OTHER * np.minimum(others, _MOST_OTHERS) + _PRESENCE_BIAS
    scores = np.where(has_peak, 1 / (1 + np.exp(-np.clip(log_odds, -30, 30))), 0)
    shown = np.where(has_peak, at, places)
    sigmas = np.where(has_peak, peak_sigmas, constellation.spread * size)
    points = np.stack([shown.real, shown.imag], axis=-1)
    return Assignment(points, scores.astype(np.float32), sigmas.astype(np.float32))


def _pick(values: NDArray[Any], index: NDArray[np.int64]) -> NDArray[Any]:
    """Of each image's values (B, n, ...), those at its indices (B, ...): `take_along_axis` takes five times as long."""
    picked: NDArray[Any] = values[np.arange(len(values)).reshape(-1, *[1] * (index.ndim - 1)), index]
    return picked


def _size2(fits: _Fit) -> Floats:
    size2: Floats = fits.z.real**2 + fits.z.imag**2
    return size2


def _variance(fits: _Fit, spread: float) -> Floats:
    """Of a glint's distance from its place along x and along y, in pixels squared: (B, K)."""
    return np.float32(spread**2) * _size2(fits) + np.float32(_FLOOR_PX**2)


def _slope(z: Complex) -> Floats:
    """The tangent of the turn, either way; large where it is a right angle or more."""
    slope: Floats = np.abs(z.imag) / np.maximum(z.real, np.float32(1e-3) * np.abs(z.imag) + np.float32(1e-6))
    return slope


def _turn_sd(constellation: Constellation) -> float:
    return float(np.tan(np.radians(constellation.turn_deg * _TURN_SHARE)))


def _log_odds(scores: Floats) -> Floats:
    clipped = np.clip(scores, _LEAST_SCORE, 1 - _LEAST_SCORE)
    odds: Floats = np.log(clipped / (1 - clipped))
    return odds


def _log_share(own: Floats, highest: Floats) -> Floats:
    """How much less than the highest score of a peak a LED's own is: 0 where it is the highest."""
    share: Floats = np.log((own + _IDENTITY_FLOOR) / (highest + _IDENTITY_FLOOR))
    return share


def _highest(values: Floats, num: int) -> NDArray[np.int64]:
    """Indices (B, num or fewer) of the highest values of each row, in no order."""
    num = min(num, values.shape[1])
    return np.argpartition(-values, num - 1, axis=1)[:, :num]


@cache
def _peak_pairs(num: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = [(i, j) for i in range(min(num, _NUM_FIRST)) for j in range(i + 1, min(num, _NUM_SECOND))]
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return first, second


@cache
def _led_pairs(num: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    one, other = np.nonzero(~np.eye(num, dtype=bool))
    return one, other
