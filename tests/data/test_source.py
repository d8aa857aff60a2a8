"""What a source does that says no more than how to gather a batch."""

import numpy as np
import pytest

from glint_unet.data.batch import Batch
from glint_unet.data.source import Source


class Rows(Source):
    """Its images are the row numbers."""

    def gather(self, rows):
        return Batch.of({"images": rows.astype(np.uint8)[:, None, None], "keypoints": np.zeros((len(rows), 1, 2))})

    def describe(self):
        return "numbers"


def test_batches_come_in_order_of_the_rows_of_an_epoch():
    source, batches = Rows(), [np.array([3, 1]), np.array([2])]
    assert source.rows_of_epoch(batches, 7) is batches
    assert [batch.images[:, 0, 0].tolist() for batch in source.batches(batches)] == [[3, 1], [2]]
    assert "--threads" in source.hint()
    source.close()
    source.close()


def test_a_source_must_say_how_it_gathers():
    with pytest.raises(TypeError, match="gather"):
        Source()  # type: ignore[abstract]
