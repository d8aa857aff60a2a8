import threading

import pytest
import torch

from glint_unet.data.batch import Batch
from glint_unet.data.prefetch import ahead, ready_for
from glint_unet.errors import DatasetError


def test_batches_are_made_ahead_of_their_use_and_in_order():
    made, in_advance = [], threading.Event()

    def batches():
        for k in range(6):
            made.append(k)
            yield k
            if k == 2:
                in_advance.set()

    ready = ahead(batches(), depth=3)
    assert next(ready) == 0
    assert in_advance.wait(5)  # three more were made than requested
    assert list(ready) == [1, 2, 3, 4, 5]
    assert made == list(range(6))


def test_an_error_while_making_ahead_comes_in_its_place():
    def batches():
        yield 0
        raise DatasetError("dataset_missing", path="x")

    ready = ahead(batches())
    assert next(ready) == 0
    with pytest.raises(DatasetError):
        next(ready)


def test_leaving_early_ends_the_thread():
    def endless():
        while True:
            yield 0

    ready = ahead(endless())
    next(ready)
    ready.close()
    assert "prefetch" not in [thread.name for thread in threading.enumerate()]


def test_on_the_cpu_the_batches_come_as_they_are():
    batches = iter(list[Batch]())
    assert ready_for(torch.device("cpu"), batches) is batches
