"""`--batch auto`."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.errors import (
    DeviceError,
)
from glint_unet.training.batch_size import largest_doubled
from glint_unet.training.loop import train
from tests.run_files import resumed, rows, settings


def test_a_batch_size_to_be_found_needs_a_gpu_and_is_kept_on_a_resume(finished, data, tmp_path):
    with pytest.raises(DeviceError, match="--batch auto depends on the memory of a GPU"):
        train(settings(data, tmp_path / "run", batch="auto"))
    assert not (tmp_path / "run").exists()
    run = tmp_path / "again"
    train(resumed(finished / "latest_checkpoint.pth", output_dir=str(run), batch="auto", epochs=5))
    assert len(rows(run)) == 5
    assert json.loads((run / "training_args.json").read_text())["batch"] == 8


@given(first=st.integers(1, 9), most=st.integers(0, 500), memory=st.integers(0, 500))
def test_the_largest_batch_that_fits_is_found_by_doubling(first, most, memory):
    tried: list[int] = []
    largest = largest_doubled(first, most, lambda num: tried.append(num) or num <= memory)
    assert all(num == first or num <= most for num in tried)
    assert largest == max((num for num in tried if num <= memory), default=0)
    assert 2 * largest > min(most, memory) or not largest
