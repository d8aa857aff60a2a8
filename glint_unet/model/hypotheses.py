"""Where the layout of the LEDs may be in an image: what pairs of high peaks say, taken as pairs of LEDs.

Numpy alone is needed. Legend: B images, M peaks, C LEDs, K hypotheses.
"""

import math
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from glint_unet.model.constellation import Complex, Constellation
from glint_unet.model.layout_fits import FAR, Fits, Floats, Peaks, pick, slope, turn_penalty

COARSE = 2.0
"""Times the spread: the tolerance before squeeze is known."""
COINCIDENCE = 2.0
"""Log-odds that a peak gains by lying where an LED may be."""

_NUM_FIRST, _NUM_SECOND = 6, 10  # peaks, the highest ones, that make pairs
_NUM_TRIED, _NUM_REFINED = 96, 5
_NEARLY_THE_SAME2 = 0.09  # squared distance of position and of size, in units of the size squared
_LEAST_APART = 0.1  # LEDs of a pair, in units of the layout
_LARGEST_LEAN = 1.5  # a squeezed layout turns some pairs further than itself


def hypotheses(peaks: Peaks, constellation: Constellation) -> tuple[Fits, NDArray[np.bool_]]:
    """The best similarities (B, K) that pairs of peaks imply, one of a single peak, and whether each is plausible."""
    first, second = _peak_pairs(peaks.scores.shape[1])
    one, other, from_layout = _led_pairs(constellation)
    z = (peaks.at[:, second] - peaks.at[:, first])[..., None] * from_layout  # (B, pairs of peaks, pairs of LEDs)
    size2, low, high = z.real**2 + z.imag**2, *constellation.size_px
    lean = slope(z)
    most = math.tan(math.radians(min(constellation.turn_deg * _LARGEST_LEAN, 85)))
    worth = peaks.evidence[:, first][:, :, one] + peaks.evidence[:, second][:, :, other]
    worth -= turn_penalty(lean, constellation)
    np.putmask(worth, (size2 < low**2) | (size2 > high**2) | (lean > most), FAR)
    worth = worth.reshape(len(worth), -1)
    tried = _highest(worth, _NUM_TRIED)
    pair, leds = tried // len(one), tried % len(one)
    z = pick(z.reshape(worth.shape), tried)
    t = pick(peaks.at, first[pair]) - z * constellation.positions[one[leds]]
    fits = Fits(t, z, np.zeros_like(z))
    total = _quick_totals(fits, peaks, constellation) - fits.turn_penalty(constellation)
    total[pick(worth, tried) <= FAR] = FAR
    chosen = _distinct(fits, total)
    lone = _lone(peaks, constellation)
    fits = Fits(*(np.concatenate(parts, axis=1) for parts in zip(fits.at(chosen), lone, strict=True)))
    is_plausible = pick(total, chosen) > FAR
    return fits, np.concatenate([is_plausible, np.ones_like(is_plausible[:, :1])], axis=1)


def _lone(peaks: Peaks, constellation: Constellation) -> Fits:
    """(B, 1): the likeliest LED alone, in a layout of middling size: the best where there is but one glint."""
    num_leds = peaks.scores.shape[-1]
    likeliest = peaks.evidence.reshape(len(peaks.at), -1).argmax(axis=1)[:, None]
    low, high = constellation.size_px
    z = np.full(likeliest.shape, np.sqrt(low * high), dtype=np.complex64)
    at = pick(peaks.at, likeliest // num_leds)
    return Fits(at - z * constellation.positions[likeliest % num_leds], z, np.zeros_like(z))


def _quick_totals(fits: Fits, peaks: Peaks, constellation: Constellation) -> Floats:
    """What each similarity gains, (B, K), where two LEDs may share a peak: one matrix product."""
    places = fits.places(constellation)
    rate = 0.5 / fits.variance(constellation.spread * COARSE)[..., None]
    x, y = places.real, places.imag
    B, K, C = x.shape
    of_places = np.empty((B, 4, K, C), np.float32)
    of_places[:, 0], of_places[:, 3] = rate * (x * x + y * y), rate
    of_places[:, 1], of_places[:, 2] = -2 * rate * x, -2 * rate * y
    px, py = peaks.at.real, peaks.at.imag
    of_peaks = np.stack([np.ones_like(px), px, py, px * px + py * py], axis=-1)
    far = (of_peaks @ of_places.reshape(B, 4, K * C)).reshape(B, -1, K, C)
    gains = (peaks.evidence + np.float32(COINCIDENCE))[:, :, None] - far
    totals: Floats = gains.max(axis=1, initial=0).sum(axis=-1)
    return totals


def _distinct(fits: Fits, total: Floats) -> NDArray[np.int64]:
    """Indices (B, K) of the best hypotheses, no two of which are nearly the same."""
    left, both, near2 = total.copy(), np.stack([fits.t, fits.z], axis=-1), _NEARLY_THE_SAME2 * fits.size2
    chosen = [left.argmax(axis=1)[:, None]]
    while len(chosen) < min(_NUM_REFINED, total.shape[1]):
        apart = both - pick(both, chosen[-1])
        is_near = apart.real**2 + apart.imag**2 < pick(near2, chosen[-1])[..., None]
        np.putmask(left, is_near.all(axis=-1), FAR)
        chosen.append(left.argmax(axis=1)[:, None])
    return np.concatenate(chosen, axis=1)


def _highest(values: Floats, num: int) -> NDArray[np.int64]:
    """Indices (B, num or fewer) of the highest values of each row, in no order."""
    num = min(num, values.shape[1])
    return np.argpartition(-values, num - 1, axis=1)[:, :num]


@cache
def _peak_pairs(num: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    pairs = [(i, j) for i in range(min(num, _NUM_FIRST)) for j in range(i + 1, min(num, _NUM_SECOND))]
    first, second = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    return first, second


@lru_cache(maxsize=16)
def _led_pairs(constellation: Constellation) -> tuple[NDArray[np.int64], NDArray[np.int64], Complex]:
    """Every pair of LEDs, either way round, and the inverse of their distance in the layout; 0 where too close."""
    one, other = np.nonzero(~np.eye(len(constellation.layout), dtype=bool))
    apart = constellation.positions[other] - constellation.positions[one]
    apart2 = apart.real**2 + apart.imag**2
    is_apart = apart2 >= _LEAST_APART**2
    return one, other, (apart.conj() / np.where(is_apart, apart2, np.inf)).astype(np.complex64)
