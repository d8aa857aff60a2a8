import os
import signal
import time

import pytest

from glint_unet.errors import DatasetError, LoaderError
from glint_unet.page.worker import Worker


@pytest.fixture(scope="module")
def worker():
    one = Worker(silence_s=5)
    yield one
    one.close()


def test_a_function_runs_in_another_process_which_is_kept(worker):
    first = worker.call(os.getpid)
    assert first != os.getpid()
    assert worker.call(os.getpid) == first == worker.pid


def test_an_error_of_the_user_comes_back_as_it_is(worker):
    from glint_unet.data.dataset_file import inspect_dataset

    with pytest.raises(DatasetError) as caught:
        worker.call(inspect_dataset, "/nowhere/at_all.h5")
    assert "/nowhere/at_all.h5" in str(caught.value)


def test_another_error_comes_back_as_one_line(worker):
    with pytest.raises(LoaderError, match="ValueError: invalid literal"):
        worker.call(int, "x\n")


def test_a_crash_is_reported_and_the_next_call_works(worker):
    with pytest.raises(LoaderError, match="SIGSEGV"):
        worker.call(signal.raise_signal, signal.SIGSEGV)
    assert worker.call(max, 1, 2) == 2


def test_what_takes_too_long_is_ended():
    impatient = Worker(silence_s=3)
    assert impatient.call(max, 1, 2) == 2
    process = impatient.pid
    assert process is not None
    impatient._silence_s = 0.05
    with pytest.raises(LoaderError, match="No result"):
        impatient.call(time.sleep, 60)
    with pytest.raises(ProcessLookupError):
        os.kill(process, 0)
    impatient.close()
