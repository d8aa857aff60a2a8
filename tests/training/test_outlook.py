"""The estimate of the remaining time, with a clock of the test's own."""

import pytest

from glint_unet.training import outlook
from glint_unet.training.outlook import Outlook


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

        def monotonic(self):
            return self.now

    clock = Clock()
    monkeypatch.setattr(outlook, "time", clock)
    return clock


def test_steps_are_extrapolated_without_the_first_until_an_epoch_is_complete(clock):
    it = Outlook(epochs=3, steps=4)
    assert it.remaining_s(0, 0) is None
    it.begin_epoch(0)
    clock.now += 50  # the first step waits for the data
    it.end_step()
    assert it.remaining_s(0, 1) is None
    for _ in range(2):
        clock.now += 1
        it.end_step()
    assert it.remaining_s(0, 3) == 9
    clock.now += 1
    it.end_step()
    clock.now += 7  # validation and saving
    it.begin_epoch(0)
    assert it.remaining_s(1, 0) == 2 * (50 + 3 + 7)
    assert it.remaining_s(1, 2) == 1.5 * 60


def test_an_epoch_that_another_process_began_is_not_taken_for_a_whole_one(clock):
    it = Outlook(epochs=3, steps=4)
    it.begin_epoch(3)
    clock.now += 1
    it.end_step()
    it.begin_epoch(0)
    assert it.remaining_s(1, 0) is None
    clock.now += 1
    it.end_step()
    clock.now += 2
    it.end_step()
    assert it.remaining_s(1, 2) == 6 * 2
