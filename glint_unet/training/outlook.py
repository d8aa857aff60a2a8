"""Estimates the time that a run still needs, from the steps and epochs of this process."""

import time


class Outlook:
    """Measures steps and whole epochs, and extrapolates them to the end of the run.

    Until this process has completed a whole epoch, validation and saving are unknown and left out.

    Args:
        epochs: number of epochs of the run.
        steps: steps per epoch.
    """

    def __init__(self, epochs: int, steps: int) -> None:
        self._epochs = epochs
        self._steps = steps
        self._epoch_started: float | None = None
        self._is_whole = False
        self._epoch_s: float | None = None
        self._first_step_ended: float | None = None
        self._steps_since = 0

    def begin_epoch(self, steps_done: int) -> None:
        """Call at the start of each epoch, with the steps of it that an earlier process has done."""
        now = time.monotonic()
        if self._epoch_started is not None and self._is_whole:
            self._epoch_s = now - self._epoch_started
        self._epoch_started, self._is_whole = now, steps_done == 0
        self._first_step_ended, self._steps_since = None, 0

    def end_step(self) -> None:
        """Call after each step; the first step of an epoch is not counted, because it waits for the data to start."""
        if self._first_step_ended is None:
            self._first_step_ended = time.monotonic()
        else:
            self._steps_since += 1

    def remaining_s(self, epoch: int, step: int) -> float | None:
        """The estimate in seconds; None before the second step.

        Args:
            epoch: epochs completed.
            step: steps of the current epoch completed.
        """
        steps_left = (self._epochs - epoch) * self._steps - step
        if self._epoch_s is not None:
            return steps_left * self._epoch_s / self._steps
        if self._first_step_ended is None or not self._steps_since:
            return None
        return steps_left * (time.monotonic() - self._first_step_ended) / self._steps_since
