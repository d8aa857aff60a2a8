"""Frames of an eye with bright spots, and a detector whose backend takes local maxima for glints: no training."""

import numpy as np

from glint_unet.inference.predictor import GlintDetector
from tests.layout.spots import glints

SIZE = (100, 160)


def frames(leds, num=20, **how):
    """(H, W) uint8 each: a dark disc on skin, and the glints of `leds`."""
    spots = glints(leds, num, size_px=20.0, false=0.0, moved=0.2, **how)
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    pixels = columns + 1j * rows
    images = []
    for at, weights in zip(spots.at - 240 - 150j, spots.weights, strict=True):
        middle = at[weights > 0].mean() if (weights > 0).any() else 80 + 50j
        image = np.where(np.abs(pixels - middle) < 14, 20.0, np.where(np.abs(pixels - middle) < 34, 70.0, 130.0))
        for place in at[weights > 0]:
            image += 200 * np.exp(-(np.abs(pixels - place) ** 2) / 2)
        images.append(np.clip(image, 0, 255).astype(np.uint8))
    return images


def detector():
    """A class-free detector of images of 100x160: every local maximum of at least 160 grey levels is a glint."""

    def backend(images):
        B, num = len(images), 16
        points, scores = np.zeros((B, num, 2), np.float32), np.zeros((B, num, 1), np.float32)
        for k, image in enumerate(images):
            inner = image[1:-1, 1:-1]
            around = [
                image[1 + y : image.shape[0] - 1 + y, 1 + x : image.shape[1] - 1 + x]
                for x in (-1, 0, 1)
                for y in (-1, 0, 1)
            ]
            y, x = np.nonzero((inner >= 160) & (inner >= np.max(around, axis=0)))
            points[k, : len(x)] = np.stack([x, y], axis=-1)[:num] + 1
            scores[k, : len(x)] = 0.9
        sigmas = np.ones((B, num), np.float32)
        return points[:, :6], scores[:, :6, 0], sigmas[:, :6], points, scores, sigmas

    return GlintDetector(backend, SIZE, 6, class_free=True)
