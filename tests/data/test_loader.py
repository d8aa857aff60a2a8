import os
import signal

import numpy as np
import pytest

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.loader import by_workers
from glint_unet.data.sources import FileSource
from glint_unet.errors import LoaderError

ROWS = [np.array([7, 2, 2, 19]), np.array([0, 1]), np.array([5])]


def test_a_loader_process_that_dies_is_reported_with_its_cause(data):
    class Deadly(FileSource):
        def gather(self, rows):
            os.kill(os.getpid(), signal.SIGKILL)

    with pytest.raises(LoaderError, match=r"SIGKILL.*reduce --num_workers"):
        list(Deadly(inspect_dataset(data), num_workers=1).batches(ROWS))


def test_no_more_loader_processes_than_cores(data):
    assert FileSource(inspect_dataset(data), num_workers=1000).num_workers <= (os.cpu_count() or 1)


@pytest.mark.parametrize("num_workers", [0, 2])
def test_results_come_in_the_order_of_their_items(num_workers):
    assert list(by_workers(str, range(7), num_workers)) == [str(k) for k in range(7)]
    assert list(by_workers(str, [], num_workers)) == []
