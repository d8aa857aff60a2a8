"""Time spent in steps, and between them."""

import time

import torch

from glint_unet.runs.progress import EpochProgress
from glint_unet.training.step_clock import StepClock


def test_time_in_steps_is_part_of_all_time_and_pauses_do_not_count():
    progress = EpochProgress()
    began = time.perf_counter()
    clock = StepClock(torch.device("cpu"), progress)
    for _ in range(3):
        with clock.step():
            time.sleep(0.01)
        time.sleep(0.01)
    clock.pause()
    counted = time.perf_counter() - began
    assert 0.03 <= progress.compute_seconds <= progress.seconds - 0.03
    assert progress.seconds <= counted
    time.sleep(0.05)
    clock.restart()
    clock.pause()
    assert progress.seconds <= time.perf_counter() - began - 0.05


def test_an_epoch_goes_on_counting_after_a_pause():
    progress = EpochProgress(seconds=100.0, compute_seconds=50.0)
    clock = StepClock(torch.device("cpu"), progress)
    with clock.step():
        time.sleep(0.01)
    clock.pause()
    assert progress.compute_seconds >= 50.01
    assert progress.seconds >= 100.01
