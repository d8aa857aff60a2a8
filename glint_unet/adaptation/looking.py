"""Shows a frame to a detector in many views, from far to near, and finds what they agree on."""

import dataclasses
from typing import Any

import numpy as np
from numpy.typing import NDArray

from glint_unet.adaptation.agreement import Agreement, Findings, agree
from glint_unet.adaptation.views import View, show
from glint_unet.data.images import Placement, lies_inside
from glint_unet.inference.predictor import GlintDetector

_OVERVIEW = (
    View(),
    View(1.4, shift=(0.02, 0.03), gamma=0.9),
    View(0.7, turn_deg=3, gain=1.1),
    View(1, turn_deg=-5, shift=(-0.03, 0.02)),
    View(0.5),
)
_CLOSER = (  # at zooms from far to near
    View(turn_deg=4, shift=(0.03, 0.02), gain=1.1),
    View(turn_deg=-4, shift=(0.02, -0.04), gain=0.9, gamma=0.9),
    View(turn_deg=5, shift=(-0.03, 0.03), gamma=1.2),
    View(turn_deg=-6, shift=(0.04, 0.03), gain=1.2),
    View(turn_deg=3, shift=(-0.04, -0.02), gain=0.9, gamma=1.1),
    View(turn_deg=-3, shift=(0.01, 0.04), gain=1.1, gamma=0.9),
    View(turn_deg=6, shift=(-0.02, 0.01), gain=0.8, gamma=0.85),
    View(turn_deg=-5, shift=(0.03, -0.03)),
)
_RANGE = 2.0  # nearest zoom over farthest
_ROOM = 2.0  # half the side of the nearest view, over the radius of the glints
_LIKELY_FROM_SHARE = 0.4
_ROUNDS = 2  # the second is centred on what the first has found
_MOST_ENLARGED = 1.5  # input pixels per frame pixel, where the whole frame is not enlarged anyway


def look(detector: GlintDetector, frame: NDArray[np.uint8]) -> tuple[Agreement, Findings]:
    """What the views of a frame agree on: five of the whole frame, then twice eight around the glints.

    Args:
        detector: not of the `precise` kind, which averages over shifts itself.
        frame: (H, W) uint8 of any size.
    """
    overview = find_in(detector, frame, _OVERVIEW)
    findings = overview
    for _ in range(_ROUNDS):
        seen = agree(findings, detector.threshold)
        likely = seen.points[seen.shares >= _LIKELY_FROM_SHARE]
        if len(likely):
            at, nearest = where_the_glints_are(detector, frame, likely)
            zooms = np.geomspace(nearest / _RANGE, nearest, len(_CLOSER))
            closer = [dataclasses.replace(view, zoom=float(zoom)) for view, zoom in zip(_CLOSER, zooms, strict=True)]
            findings = overview.first(1) + find_in(detector, frame, closer, at)
    return agree(findings, detector.threshold), findings


def where_the_glints_are(
    detector: GlintDetector, frame: NDArray[np.uint8], points: NDArray[np.float32]
) -> tuple[NDArray[np.float64], float]:
    """The middle of the certain glints, (2,) in frame pixels, and the greatest zoom at which they still have room."""
    places = points.astype(np.float64)
    at = (places.min(axis=0) + places.max(axis=0)) / 2
    scale = Placement.of((frame.shape[0], frame.shape[1]), detector.image_size, stretch=detector.stretch).mean_scale
    radius = max(float(np.linalg.norm(places - at, axis=-1).max()), 1.0)
    fits = min(detector.image_size) / 2 / (_ROOM * radius * scale)
    return at, min(fits, max(_MOST_ENLARGED / scale, 1.0))


def find_in(
    detector: GlintDetector,
    frame: NDArray[np.uint8],
    views: "tuple[View, ...] | list[View]",
    at: NDArray[np.floating[Any]] | None = None,
) -> Findings:
    """What a detector finds in views of a frame; see `show` for `at`."""
    shown = [show(frame, view, detector.image_size, at, stretch=detector.stretch) for view in views]
    geometries = tuple(geometry for _, geometry in shown)
    glints = detector.candidates(np.stack([image for image, _ in shown])[..., None])
    points = np.stack([geometry.back(found) for found, geometry in zip(glints.points, geometries, strict=True)])
    inside = lies_inside(points, (frame.shape[0], frame.shape[1]))
    scales = np.array([geometry.mean_scale for geometry in geometries], np.float32)
    return Findings(points, np.where(inside, glints.scores, np.float32(0)), glints.sigmas / scales[:, None], geometries)
