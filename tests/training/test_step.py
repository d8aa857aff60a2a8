"""One training step: nothing in it may wait for the device."""

import dataclasses
import json

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from glint_unet.config import TrainConfig
from glint_unet.data.augment import sample_augmentation
from glint_unet.data.batch import Batch
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.sources import MemorySource
from glint_unet.model.network import build_network
from glint_unet.training.loop import train
from glint_unet.training.run_data import new_split
from glint_unet.training.state import TrainState, new_state
from glint_unet.training.step import train_step
from tests.run_files import rows, settings

WAIT = {"new_tensor", "as_tensor", "tensor", "item", "tolist", "cpu", "numpy", "nonzero", "__bool__", "linalg_inv"}
META = torch.device("meta")  # computes shapes only, and refuses to tell a value


class Waits(TorchFunctionMode):
    """Records operations that would synchronise with a GPU: reading values, and blocking copies of constants."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def __torch_function__(self, function, types, arguments=(), options=None):
        options, name = options or {}, getattr(function, "__name__", str(function))
        is_copy = name == "to" and arguments[0].device.type == "cpu" and META in arguments
        index = arguments[1] if name == "__getitem__" else ()
        is_list = any(isinstance(k, list) for k in (index if isinstance(index, tuple) else (index,)))
        is_scalar = name == "where" and not all(isinstance(argument, Tensor) for argument in arguments)
        if name in WAIT or is_list or is_scalar or (is_copy and not options.get("non_blocking")):
            self.found.append(name)
        return function(*arguments, **options)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"flip": "3,2,1", "clip_norm": 1.0, "accumulate": 2},
        {"arch": "unet", "loss": "hybrid", "lam_dice": 1.0, "lam_bce": 1.0, "lam_agg": 1.0, "div_weight": 1.0},
        {"div_weight": 1.0, "div_mode": "kl", "agg_mode": "sum", "lam_agg": 1.0, "agg_wB": 1.0, "agg_wD": 1.0},
        {"targets": "file", "augment": False},
    ],
    ids=str,
)
@pytest.mark.parametrize("knows_keypoints", [True, False])
def test_a_step_waits_for_nothing(data, changes, knows_keypoints):
    config, info = TrainConfig(h5=str(data), base_channels=2, **changes), inspect_dataset(data)
    state = new_state(config, info, torch.device("cpu"), new_split(config, info))
    state.network.to(META)
    state = dataclasses.replace(state, average=None)
    (H, W), (h, w), C = info.image_size, info.heatmap_size, info.num_classes
    keypoints = torch.zeros(4, C, 2, device=META) if knows_keypoints else None
    batch = Batch(
        torch.zeros(4, H, W, dtype=torch.uint8, device=META),
        torch.zeros(4, C, h, w, dtype=torch.float16, device=META),
        keypoints,
    )
    draws = sample_augmentation(0, 1, np.arange(4), C).to(META) if config.augment else None
    state.optimizer = torch.optim.SGD(state.network.parameters(), lr=0.1)
    with Waits() as waits:
        train_step(state, batch, draws, config, info)
    assert not waits.found


def test_what_waits_is_seen():
    there = torch.zeros(3, device=META)
    for wait in (
        lambda: there.new_tensor([1.0]),
        lambda: torch.zeros(3).to(META),
        lambda: torch.where(there > 0, 0.0, there),
        lambda: there[[0, 1]],
        lambda: torch.linalg.inv(torch.zeros(2, 2, device=META)),
    ):
        with Waits() as waits:
            wait()
        assert len(waits.found) == 1
    with Waits() as waits, pytest.raises(RuntimeError):
        there.sum().item()
    assert waits.found == ["item"]


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch, in torch
@pytest.mark.parametrize("changes", [{}, {"accumulate": 2, "amp": "bf16"}], ids=str)
def test_a_compiled_run_is_the_same_but_for_rounding(data, tmp_path, changes):
    rows = {}
    for compiled in (False, True):
        run = tmp_path / str(compiled)
        settings = {
            "base_channels": 2,
            "epochs": 2,
            "warmup_steps": 3,
            "progress": False,
            "device": "cpu",
            "batch": 9,
            **changes,
        }
        train(TrainConfig(h5=str(data), output_dir=str(run), compile=compiled, **settings))
        rows[compiled] = json.loads((run / "metrics.json").read_text())
    for with_it, without in zip(rows[True], rows[False], strict=True):
        assert with_it["train"]["total"] == pytest.approx(without["train"]["total"], rel=0.02)


def test_a_batch_in_parts_has_the_gradient_of_the_whole(data, finished):
    config = settings(data, "unused", augment=False)
    info = inspect_dataset(data)
    batch, split = MemorySource(info).gather(np.arange(7)), new_split(config, info)
    weights = []
    for parts in (1, 3):
        torch.manual_seed(0)
        network = build_network(config, info).eval()  # batch normalisation would see the parts
        state = TrainState(network, torch.optim.SGD(network.parameters(), lr=0.1), split, {})
        losses = dataclasses.replace(config, accumulate=parts, lam_votes=0, ema_decay=0)
        terms = train_step(state, batch, None, losses, info)
        weights.append((terms, *network.state_dict().values()))
    assert all(torch.allclose(whole, in_parts, atol=1e-6) for whole, in_parts in zip(*weights, strict=True))
    assert any(
        not torch.equal(new, old)
        for new, old in zip(weights[0][1:], build_network(config, info).parameters(), strict=False)
    )


@pytest.mark.parametrize("changes", [{"accumulate": 3}, {"amp": "bf16"}, {"amp": "fp16", "clip_norm": 1.0}])
def test_other_ways_to_compute_a_step_train_too(data, tmp_path, changes):
    train(settings(data, tmp_path / "run", epochs=3, arch="unet", **changes))
    totals = [row["train"]["total"] for row in rows(tmp_path / "run")]
    assert totals[-1] < totals[0]
