"""Selecting and naming devices."""

import pytest
import torch

from glint_unet.compute.device import amp_dtype, autocast, choose_device, gpu_numbers, parse_device
from glint_unet.compute.group import Group
from glint_unet.config import TrainConfig
from glint_unet.errors import DeviceError

without_gpu = pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")


def test_the_cpu_may_be_named_by_word_or_by_torchs_own_object():
    assert parse_device("cpu") == torch.device("cpu")
    assert parse_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.parametrize("name", ["foo", "", "mps", "meta", "cpu:99", "cuda:-1", "cuda:x", "gpu", "0", "CUDA:0:0"])
def test_an_unknown_device_name_is_refused_with_the_valid_ones(name):
    with pytest.raises(DeviceError, match=r"cpu, cuda, cuda:1"):
        parse_device(name)


@without_gpu
@pytest.mark.parametrize("name", ["cuda", "cuda:0", "cuda:99"])
def test_cuda_on_a_machine_without_it_is_refused(name):
    with pytest.raises(DeviceError, match=rf"--device {name}: no such GPU \(CUDA devices here: 0\)"):
        parse_device(name)


@pytest.mark.gpu
def test_a_gpu_that_is_there_is_taken_and_the_one_behind_the_last_is_refused():
    num = torch.cuda.device_count()
    assert parse_device("cuda").type == "cuda"
    assert parse_device(f"cuda:{num - 1}") == torch.device("cuda", num - 1)
    with pytest.raises(DeviceError, match=f"CUDA devices here: {num}"):
        parse_device(f"cuda:{num}")


@without_gpu
def test_training_takes_the_cpu_where_there_is_no_gpu():
    assert choose_device(TrainConfig(), Group()) == torch.device("cpu")
    assert choose_device(TrainConfig(device="cpu"), Group()) == torch.device("cpu")


@without_gpu
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"device": "cuda"}, "--device cuda: no such GPU"),
        ({"gpu": "0"}, "--gpu 0: no such GPU"),
        ({"gpu": "99"}, "--gpu 99: no such GPU"),
        ({"gpu": "0,1"}, "--gpu 0,1 selects 2 GPUs"),
        ({"device": "cuda", "processes": 2}, "for several GPUs"),
    ],
)
def test_training_refuses_a_gpu_that_is_not_there(changes, reason):
    with pytest.raises(DeviceError, match=reason):
        choose_device(TrainConfig(**changes), Group())


def test_the_numbers_of_gpus_are_read():
    assert gpu_numbers(TrainConfig()) == []
    assert gpu_numbers(TrainConfig(gpu="3")) == [3]
    assert gpu_numbers(TrainConfig(gpu="0, 2")) == [0, 2]


@pytest.mark.parametrize("gpu", ["x", "0,0", "0,", "-1", "1.0", "\u00b2", "0;1", "9" * 30, "\u0661"])
def test_what_is_no_number_of_a_gpu_is_refused(gpu):
    with pytest.raises(DeviceError):
        choose_device(TrainConfig(gpu=gpu), Group())


def test_autocast_computes_in_the_type_that_amp_names():
    cpu = torch.device("cpu")
    assert amp_dtype("none", cpu) is None
    assert amp_dtype("auto", cpu) is None
    assert amp_dtype("bf16", cpu) == torch.bfloat16
    a = torch.ones(2, 2)
    with autocast("bf16", cpu):
        assert (a @ a).dtype == torch.bfloat16
    with autocast("none", cpu):
        assert (a @ a).dtype == torch.float32
