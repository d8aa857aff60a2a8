"""Smooths the glints of a recording over time, one LED at a time, without delay; blinks stay empty."""

import numpy as np
from numpy.typing import NDArray

from glint_unet.inference.predictor import Glints

_ACCELERATION_PX = 0.05  # standard deviation of the change of velocity from frame to frame, in pixels per frame
_STARTING_SPEED_PX = 1.0  # standard deviation of the velocity of a new track, in pixels per frame
_SURPRISE = 4.0  # standard deviations; what lies further from the prediction starts a new track: a saccade


class Smoother:
    """A Kalman filter with constant velocity (Kalman, 1960) for each LED, the same for both axes.

    The measurement noise is the sigma that the network predicts for each glint. A glint further than four standard
    deviations from its predicted place starts a new track, so that saccades keep their speed. After a gap, the track
    restarts; nothing is filled in.

    Args:
        num_leds: C.
    """

    def __init__(self, num_leds: int) -> None:
        self._is_tracked = np.zeros(num_leds, bool)
        self._state = np.zeros((num_leds, 2, 2))  # (LED, axis, position and velocity)
        self._covariance = np.zeros((num_leds, 2, 2))  # of position and velocity; the same for both axes

    def __call__(self, glints: Glints) -> Glints:
        """The next frames (B, ...), with smoothed points and their standard deviations."""
        points, sigmas = glints.points.copy(), glints.sigmas.copy()
        for k, present in enumerate(glints.present):
            self._advance(glints.points[k], glints.sigmas[k], present)
            points[k, present] = self._state[present, :, 0]
            sigmas[k, present] = np.sqrt(self._covariance[present, 0, 0])
        return glints._replace(points=points, sigmas=sigmas)

    def _advance(self, points: NDArray[np.float32], sigmas: NDArray[np.float32], present: NDArray[np.bool_]) -> None:
        """One frame further: points (C, 2), sigmas and present (C,)."""
        step = np.array([[1.0, 1.0], [0.0, 1.0]])
        disturbance = _ACCELERATION_PX**2 * np.array([[0.25, 0.5], [0.5, 1.0]])
        state = self._state @ step.T
        covariance = step @ self._covariance @ step.T + disturbance
        noise = np.maximum(sigmas.astype(np.float64), 1e-3) ** 2
        expected = covariance[:, 0, 0] + noise
        surprise = points - state[:, :, 0]
        is_near = (surprise**2).sum(axis=-1) <= _SURPRISE**2 * 2 * expected  # False where NaN
        goes_on = self._is_tracked & present & is_near
        gain = covariance[:, :, 0] / expected[:, None]  # (LED, position and velocity)
        updated = state + np.nan_to_num(surprise)[:, :, None] * gain[:, None, :]
        narrowed = covariance - gain[:, :, None] * covariance[:, None, 0, :]
        fresh = np.stack([np.nan_to_num(points), np.zeros_like(points)], axis=-1)
        unsure = np.zeros_like(covariance)
        unsure[:, 0, 0], unsure[:, 1, 1] = noise, _STARTING_SPEED_PX**2
        self._state = np.where(goes_on[:, None, None], updated, fresh)
        self._covariance = np.where(goes_on[:, None, None], narrowed, unsure)
        self._is_tracked = present.copy()
