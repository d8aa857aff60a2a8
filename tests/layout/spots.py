"""Glints of a known layout in images of an eye that moves, with missing and false ones: what a detector would find."""

import numpy as np

from glint_unet.layout.poses import Spots, layout_size

TWO_COLUMNS = np.array([-1 - 1.2j, -1, -1 + 1.2j, 1 - 1.2j, 1, 1 + 1.2j])


def ring(num, start_deg=-90.0):
    return np.exp(1j * (np.radians(start_deg) + 2 * np.pi * np.arange(num) / num))


def glints(leds, num, *, seen=0.85, false=0.5, size_px=50.0, moved=0.5, seed=0):
    """`num` images: shifted, of sizes that differ by 5 %, squeezed by 2 %, glints off by 1 % of the size."""
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return rng.normal(size=shape) + 1j * rng.normal(size=shape)

    at, weights = np.zeros((num, 20), complex), np.zeros((num, 20))
    for row in range(num):
        centre, scale = 320 + 200j + moved * size_px * normal(), size_px * np.exp(0.05 * rng.normal())
        places = centre + scale * leds + 0.02 * scale * normal() * leds.conj() + 0.01 * scale * normal(len(leds))
        places = places[rng.random(len(leds)) < seen]
        others = 320 + 200j + 200 * (rng.uniform(-1, 1, rng.poisson(false)) + 0j)
        others = others + 150j * rng.uniform(-1, 1, len(others))
        found = np.concatenate([places, others])
        at[row, : len(found)] = found
        scores = rng.uniform(0.6, 1, len(places)), rng.uniform(0.25, 0.9, len(others))
        weights[row, : len(found)] = np.concatenate(scores)
    return Spots(at, weights)


def distance(found, leds):
    """Root mean square distance of a layout from the true one, both of size 1 and centred; they must pair up."""
    one, other = ((part - part.mean()) / layout_size(part) for part in (found, leds))
    nearest = np.abs(one[:, None] - other).argmin(axis=1)
    assert sorted(nearest) == list(range(len(other)))
    return float(np.sqrt(np.mean(np.abs(one - other[nearest]) ** 2)))
