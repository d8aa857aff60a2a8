"""Sharing a batch, by one process alone; what several do together is in tests/system/test_several_processes.py."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.compute.device import choose_device, gpu_numbers
from glint_unet.compute.group import Group
from glint_unet.config import TrainConfig
from glint_unet.errors import DeviceError
from glint_unet.training.step import part_sizes


@given(num=st.integers(1, 40), size=st.integers(1, 9))
def test_the_weighted_mean_over_the_shares_is_the_mean_over_the_batch(num, size):
    rows = np.arange(100, 100 + num)
    values = {int(row): float(row % 7) for row in rows}
    shares = [Group(rank, size).shard(rows) for rank in range(size)]
    means = [weight * np.mean([values[int(row)] for row in local_rows]) for local_rows, weight in shares]
    assert sum(means) / size == pytest.approx(np.mean(list(values.values())))
    assert all(len(local_rows) >= 1 for local_rows, _ in shares)
    counted = np.concatenate([local_rows for local_rows, weight in shares if weight])
    assert np.array_equal(counted, rows)


def test_alone_everything_is_itself():
    group = Group()
    network, terms = torch.nn.Linear(1, 1), torch.ones(7)
    assert group.distributed(network, torch.device("cpu")) is network
    assert group.mean(terms) is terms
    assert group.all_reduce_max(None) is None
    assert group.all_reduce_max(15) == 15
    assert group.broadcast("x") == "x"
    with group.main_first():
        group.barrier()


@pytest.mark.parametrize(
    ("flags", "fragment"),
    [
        ({"gpu": "0,0"}, "0,0"),
        ({"gpu": "a"}, "a"),
        ({"gpu": "0,1", "device": "cpu"}, "--device cpu"),
        ({"gpu": "0,1", "processes": 2}, "--processes 2"),
    ],
)
def test_gpus_that_make_no_sense_are_refused(flags, fragment):
    with pytest.raises(DeviceError, match=fragment):
        gpu_numbers(TrainConfig(**flags))


def test_as_many_gpus_as_processes():
    with pytest.raises(DeviceError, match="1 processes were started, but --gpu 0,1 selects 2"):
        choose_device(TrainConfig(gpu="0,1"), Group())
    with pytest.raises(DeviceError, match="--processes 2"):
        choose_device(TrainConfig(device="cuda", processes=2), Group(size=2))
    assert choose_device(TrainConfig(processes=2), Group(1, 2, 1)) == torch.device("cpu")


def test_the_sizes_of_parts_are_those_of_every_process():
    config = TrainConfig(batch=8, accumulate=2)
    assert part_sizes(19, config, Group(0, 2)) == part_sizes(19, config, Group(1, 2)) == {2, 1}
    assert part_sizes(16, TrainConfig(batch=8), Group()) == {8}
