"""Classical glint detectors, each at its best setting: what a network must beat to be worth its training.

They know no LED, so they are judged without identity: F1 within 3 px, found spots and present glints paired one to one.
The settings are chosen by grid search on images of the same kind that are not judged.
"""

import itertools
from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch

from glint_unet.model.metrics import pair_without_identity

LIMIT_PX = 3.0

Detector = Callable[[np.ndarray, int], np.ndarray]  # (image, most spots) -> (n, 2)


def threshold_and_blob(threshold: int, low: float, high: float) -> Detector:
    """Connected regions at least this much above their local median, of an area in a range; centroid by brightness."""

    def detect(image: np.ndarray, most: int) -> np.ndarray:
        above = image.astype(np.float32) - cv2.medianBlur(image, 21)
        count, labels, stats, _ = cv2.connectedComponentsWithStats((above > threshold).astype(np.uint8))
        found = []
        for n in range(1, count):
            left, top, width, height, area = stats[n]
            if low <= area <= high:
                part = np.s_[top : top + height, left : left + width]
                weight = np.where(labels[part] == n, above[part], 0)
                rows, columns = np.mgrid[top : top + height, left : left + width]
                total = weight.sum()
                found.append((total, (weight * columns).sum() / total, (weight * rows).sum() / total))
        return strongest(found, most)

    return detect


def difference_of_gaussians(sigma: float, threshold: float) -> Detector:
    """Local maxima of a difference of Gaussians, refined by a parabola along x and y."""

    def detect(image: np.ndarray, most: int) -> np.ndarray:
        grey = image.astype(np.float32)
        response = cv2.GaussianBlur(grey, (0, 0), sigma) - cv2.GaussianBlur(grey, (0, 0), 1.6 * sigma)
        highest = cv2.dilate(response, np.ones((5, 5), np.uint8))
        inside = np.zeros(response.shape, bool)
        inside[1:-1, 1:-1] = True
        found = []
        for row, column in zip(*np.nonzero((response == highest) & (response > threshold) & inside), strict=True):
            x = column + vertex(*response[row, column - 1 : column + 2])
            y = row + vertex(*response[row - 1 : row + 2, column])
            found.append((response[row, column], x, y))
        return strongest(found, most)

    return detect


def simple_blob_detector(threshold: int, low: float, high: float, circularity: float) -> Detector:
    """OpenCV's SimpleBlobDetector for bright blobs."""
    settings = cv2.SimpleBlobDetector.Params()
    settings.minThreshold, settings.maxThreshold, settings.thresholdStep = threshold, 250, 15
    settings.filterByColor, settings.blobColor = True, 255
    settings.filterByArea, settings.minArea, settings.maxArea = True, low, high
    settings.filterByCircularity, settings.minCircularity = circularity > 0, max(circularity, 0.01)
    settings.filterByConvexity = settings.filterByInertia = False
    settings.minDistBetweenBlobs, settings.minRepeatability = 4, 2
    detector = cv2.SimpleBlobDetector.create(settings)

    def detect(image: np.ndarray, most: int) -> np.ndarray:
        return strongest([(image[round(k.pt[1]), round(k.pt[0])], *k.pt) for k in detector.detect(image)], most)

    return detect


def strongest(found: list[tuple[float, float, float]], most: int) -> np.ndarray:
    found = sorted(found, reverse=True)[:most]
    return np.array([(x, y) for _, x, y in found], np.float32).reshape(-1, 2)


def vertex(left: float, centre: float, right: float) -> float:
    curvature = left - 2 * centre + right
    return float(np.clip(0.5 * (left - right) / curvature, -1, 1)) if curvature < 0 else 0.0


def settings_to_try() -> Iterator[tuple[str, str, Detector]]:
    """(detector, its setting, the detector at this setting)."""
    areas = ((3, 80), (3, 200), (8, 200), (8, 500))
    for threshold, (low, high) in itertools.product((15, 25, 40, 60, 90, 130), areas):
        yield "threshold + blob", f"> {threshold}, {low}..{high} px", threshold_and_blob(threshold, low, high)
    for sigma, threshold in itertools.product((1.0, 1.5, 2.0, 3.0), (4, 8, 12, 18, 26, 40)):
        yield "DoG", f"sigma {sigma}, > {threshold}", difference_of_gaussians(sigma, threshold)
    for threshold, (low, high), circularity in itertools.product((40, 80, 120, 160), areas, (0, 0.7)):
        setting = f"> {threshold}, {low}..{high} px, circularity {circularity}"
        yield "SimpleBlobDetector", setting, simple_blob_detector(threshold, low, high, circularity)


def f1_without_identity(detector: Detector, images: np.ndarray, truth: np.ndarray, most: int) -> float:
    """F1 within 3 px, whatever the LED; `most` spots per image at most, the strongest."""
    C = truth.shape[1]
    width = max(most, C)
    points, padded = np.zeros((len(images), width, 2), np.float32), np.full((len(images), width, 2), np.nan, np.float32)
    found = np.zeros((len(images), width), bool)
    padded[:, :C] = truth
    for n, image in enumerate(images):
        spots = detector(image, most)
        points[n, : len(spots)], found[n, : len(spots)] = spots, True
    _, _, distance = pair_without_identity(*(torch.from_numpy(array) for array in (points, found, padded)))
    right = int((distance <= LIMIT_PX).sum())
    return 2 * right / (int(found.sum()) + int(np.isfinite(truth[..., 0]).sum()))


def best_of_each(
    tuning: tuple[np.ndarray, np.ndarray], judged: tuple[np.ndarray, np.ndarray]
) -> dict[str, tuple[str, float]]:
    """For each detector: its best setting on the tuning images, and its F1 on the judged ones.

    Both are (images (N, H, W) uint8, keypoints (N, C, 2)). A detector may keep its C strongest spots, or 24.
    """
    best: dict[str, tuple[float, str, Detector, int]] = {}
    for name, setting, detector in settings_to_try():
        for most in (tuning[1].shape[1], 24):
            f1 = f1_without_identity(detector, *tuning, most)
            if name not in best or f1 > best[name][0]:
                best[name] = (f1, f"{setting}, {most} strongest", detector, most)
    return {
        name: (setting, f1_without_identity(detector, *judged, most))
        for name, (_, setting, detector, most) in best.items()
    }


def fit_ring(
    spots: np.ndarray, layout: np.ndarray, radius: tuple[float, float], turn_deg: float = 15.0, within: float = 0.12
) -> np.ndarray:
    """The layout that most spots agree with: RANSAC (Fischler and Bolles, CACM 1981) over all pairs of spots and LEDs.

    Args:
        spots: (n, 2), strongest first.
        layout: (C, 2) of unit size.
        radius: least and greatest size of the layout in px.
        turn_deg: greatest turn of the layout either way.
        within: a spot this share of the layout's size from an LED's place is its glint.

    Returns:
        (C, 2), each LED's spot; NaN where it has none, or everywhere where no pair of spots fits.
    """
    C, found = len(layout), np.full((len(layout), 2), np.nan, np.float32)
    seen, leds = spots @ [1, 1j], layout @ [1, 1j]
    a, b, i, j = (index.ravel() for index in np.indices((len(spots), len(spots), C, C)))
    a, b, i, j = (index[(a < b) & (i != j)] for index in (a, b, i, j))
    factor = (seen[b] - seen[a]) / (leds[j] - leds[i])
    allowed = (abs(factor) >= radius[0]) & (abs(factor) <= radius[1]) & (abs(np.angle(factor, deg=True)) <= turn_deg)
    a, i, factor = a[allowed], i[allowed], factor[allowed]
    if not len(a):
        return found
    places = seen[a, None] + factor[:, None] * (leds[None] - leds[i, None])  # (hypotheses, C)
    distance = abs(places[:, :, None] - seen).min(axis=2) / abs(factor)[:, None]
    agrees = distance <= within
    best = int((agrees.sum(axis=1) - np.where(agrees, distance, 0).sum(axis=1) / C).argmax())
    nearest = abs(places[best][:, None] - seen).argmin(axis=1)
    found[agrees[best]] = spots[nearest[agrees[best]]]
    return found
