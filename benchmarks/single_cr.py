"""A single corneal reflection whose centre is known exactly, and two classical ways to find it.

After Byrne et al., "Precise localization of corneal reflections in eye images using deep learning trained on synthetic
data", Behavior Research Methods 2023; amplitude, noise and luminances are those of their published simulation. 180x180,
8 bit. The reflection is a Gaussian 2 to 20,000 times as bright as white, so it saturates: a plateau of radius 2 to 18
px with the Gaussian's flanks around it. Behind it a luminance edge (pupil against iris) of any direction at any offset,
and Gaussian noise of up to 30 grey levels over all of it. `dim` and `blurred` leave this range on purpose: peaks of 45
to 150 grey levels, without a plateau; and the plateau behind a defocused lens.
"""

import numpy as np

SIDE = 180
KINDS = ("saturated", "dim", "blurred")


def render_cr(kind: str, seed: int, index: int) -> tuple[np.ndarray, np.ndarray]:
    """(180, 180) uint8 and the centre (1, 2) float32, (x, y) in pixels; a function of (kind, seed, index)."""
    rng = np.random.Generator(np.random.Philox(key=[seed, index * len(KINDS) + KINDS.index(kind)]))
    y, x = np.mgrid[:SIDE, :SIDE].astype(np.float32)
    centre = rng.uniform(40, SIDE - 41, 2)
    squared = (x - np.float32(centre[0])) ** 2 + (y - np.float32(centre[1])) ** 2
    dark, light = 1 + rng.exponential(10), rng.uniform(0.125, 0.6) * 255
    direction, offset = rng.uniform(0, 2 * np.pi), rng.uniform(-60, 60)
    across = (x - centre[0]) * np.cos(direction) + (y - centre[1]) * np.sin(direction) - offset
    image = dark + (light - dark) / (1 + np.exp(-across / rng.uniform(0.3, 2.0)))
    if kind == "dim":
        peak, sigma = rng.uniform(45, 150), rng.uniform(1.5, 6)
        image += peak * np.exp(-squared / (2 * sigma**2))
    else:
        peak, radius = 255 * rng.uniform(2, 20000), rng.uniform(2, 18)
        sigma = radius / np.sqrt(2 * np.log(peak / 255))
        blur = rng.uniform(2, 5) if kind == "blurred" else 0.0
        spread = sigma**2 + blur**2
        image += peak * sigma**2 / spread * np.exp(-squared / (2 * spread))
    image += rng.standard_normal(image.shape, dtype=np.float32) * rng.uniform(0, 30)
    return np.clip(image + 0.5, 0, 255).astype(np.uint8), centre[None].astype(np.float32)


def render_crs(kind: str, seed: int, indices: range) -> tuple[np.ndarray, np.ndarray]:
    """(N, 180, 180) uint8 and (N, 1, 2) float32."""
    images, centres = zip(*(render_cr(kind, seed, index) for index in indices), strict=True)
    return np.stack(images), np.stack(centres)


def threshold_and_centroid(image: np.ndarray) -> np.ndarray:
    """Centre (x, y) of the pixels above a threshold half-way between the median and the brightest, largest blob."""
    import cv2

    threshold = (float(np.median(image)) + float(image.max())) / 2
    threshold = max(threshold, 240.0) if image.max() == 255 else threshold
    _, _, stats, centroids = cv2.connectedComponentsWithStats((image > threshold).astype(np.uint8))
    if len(stats) < 2:
        return np.array([SIDE / 2, SIDE / 2])
    centre: np.ndarray = centroids[1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())]
    return centre


def radial_symmetry(image: np.ndarray) -> np.ndarray:
    """Centre (x, y) that the intensity gradients around the blob point to, by weighted least squares.

    After Parthasarathy, "Rapid, accurate particle tracking by calculation of radial symmetry centers", Nature Methods
    2012: gradients on the diagonals of 2x2 pixels, smoothed by a 3x3 mean, weighted by their square over the distance
    from the gradients' centroid. The window is 2.5 times the blob that `threshold_and_centroid` finds.
    """
    import cv2

    guess = threshold_and_centroid(image)
    threshold = (float(np.median(image)) + float(image.max())) / 2
    area = max(int((image > threshold).sum()), 9)
    reach = int(np.clip(2.5 * np.sqrt(area / np.pi) + 2, 6, 60))
    left, top = (int(max(round(float(v)) - reach, 0)) for v in guess)
    part = image[top : top + 2 * reach + 1, left : left + 2 * reach + 1].astype(np.float64)
    du, dv = part[:-1, 1:] - part[1:, :-1], part[:-1, :-1] - part[1:, 1:]
    smooth_u, smooth_v = cv2.blur(du, (3, 3)), cv2.blur(dv, (3, 3))
    gx, gy = smooth_u - smooth_v, -(smooth_u + smooth_v)  # along x and y, up to a common factor
    strength = gx**2 + gy**2
    rows, columns = (axis + 0.5 for axis in np.mgrid[: part.shape[0] - 1, : part.shape[1] - 1])
    middle = (strength * columns).sum() / strength.sum(), (strength * rows).sum() / strength.sum()
    weight = strength / np.maximum(np.hypot(columns - middle[0], rows - middle[1]), 0.5)
    norm = np.sqrt(np.maximum(strength, 1e-12))
    nx, ny = -gy / norm, gx / norm  # normal of the line through the pixel along its gradient
    along = nx * columns + ny * rows
    a = np.array([[(weight * nx * nx).sum(), (weight * nx * ny).sum()], [0, (weight * ny * ny).sum()]])
    a[1, 0] = a[0, 1]
    centre: np.ndarray = np.linalg.lstsq(a, [(weight * nx * along).sum(), (weight * ny * along).sum()], rcond=None)[0]
    centre += left, top
    return centre
