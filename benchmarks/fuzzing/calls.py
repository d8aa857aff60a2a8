"""Random calls of the public functions."""

import argparse
import contextlib
import dataclasses
import io
import json
import math
import traceback
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from fuzzing.world import World, WrongError

import glint_unet
from glint_unet.config import TrainConfig
from glint_unet.data import shared_cache
from glint_unet.data.heatmaps import decode_heatmaps, keypoints_of_heatmaps, render_heatmaps
from glint_unet.errors import GlintError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.model.unet import UNet
from glint_unet.runs.checkpoint_manager import CheckpointManager
from glint_unet.runs.training_log import TrainingLogger


def odd_number(world: World) -> Any:
    return world.choose(
        *(0, -1, 1.5, math.nan, math.inf, -math.inf, 10**30, True, None, "1", "", b"1", (), [1], {}, 1j),
        *(np.float32(0.5), np.int64(1), np.float64("nan"), np.bool_(True), np.array(1.0), np.array([1, 2])),
        *(torch.tensor(0.5), Path("x"), object()),
    )


def odd_array(world: World) -> Any:
    shape = world.choose(
        (), (0,), (32,), (32, 32), (1, 32, 32), (2, 32, 32, 3), (32, 32, 1), (0, 32, 32), (1, 1), (3, 4, 5, 6, 7)
    )
    dtype = world.choose(
        "uint8", "uint16", "int64", "float32", "float16", "float64", "bool", "complex64", "object", "U1"
    )
    array = np.zeros(shape, dtype) if dtype in ("object", "U1") else np.ones(shape, dtype)
    if array.dtype.kind == "f" and world.rng.random() < 0.5:
        array = array * np.array(world.choose(np.nan, np.inf, 0.5, 300.0), dtype)
    return world.choose(array, array, array, array.tolist(), None, "missing.png", torch.zeros(2))


def a_config(world: World) -> str:
    names = [field.name for field in dataclasses.fields(TrainConfig)]
    config = TrainConfig(**{world.choose(*names): odd_number(world) for _ in range(world.rng.randint(1, 3))})
    json.dumps(config.to_dict(), allow_nan=False)  # what it takes, training_args.json holds
    TrainConfig.from_dict(config.to_dict())
    return "config"


def a_detection(world: World) -> str:
    glints = DETECTOR[0](odd_array(world))
    if not np.isfinite(glints.points[glints.present]).all() or not np.isfinite(glints.scores).all():
        raise WrongError("glints that are no numbers")
    return "detection"


def a_checkpoint(world: World) -> str:
    network = UNet(num_classes=2, base_channels=1, output_stride=4)
    kind = world.choose(torch.optim.AdamW, torch.optim.SGD, torch.optim.NAdam, torch.optim.ASGD, torch.optim.Adafactor)
    optimizer = kind(network.parameters(), lr=0.1)
    network(torch.rand(1, 1, 32, 32)).sum().backward()
    optimizer.step()
    manager = CheckpointManager(world.root / "manager", keep_last_n=2)
    arguments = world.choose({"lr": odd_number(world)}, argparse.Namespace(a=odd_number(world)), {})
    metrics = {"train": {"total": odd_number(world)}, "val": world.choose({"f1": odd_number(world)}, {})}
    path = manager.save_checkpoint(world.choose(1, np.int64(2)), network, optimizer, arguments, metrics)
    try:
        manager.load_checkpoint(path, network, optimizer)
    except GlintError as error:
        raise WrongError(f"saved, but cannot be loaded: {error}") from error
    return "checkpoint"


def a_log_row(world: World) -> str:
    logger, epoch = TrainingLogger(world.root / "log"), world.choose(1, 2, np.int64(3))
    values = {"total": odd_number(world), "f1": odd_number(world)}
    numeric = {k for k, v in values.items() if isinstance(v, (int, float, np.number)) and not isinstance(v, bool)}
    with contextlib.redirect_stdout(io.StringIO()):
        logger.log_epoch(epoch, values, {}, world.choose(0.1, np.float32(0.1)), 1.0)
    rows = json.loads((world.root / "log/metrics.json").read_text())
    row = next(row["train"] for row in rows if row["epoch"] == epoch)
    if texts := [name for name in numeric if isinstance(row[name], str)]:
        raise WrongError(f"{texts} became texts: {row}")
    return "log row"


def a_shared_copy(world: World) -> str:
    name, given = world.choose("images", "heatmaps", "keypoints", "", "own"), odd_array(world)
    of_file = name in ("images", "heatmaps", "keypoints")
    name = name if of_file else f"{name}{world.rng.randrange(10**9)}"  # no other case's copy
    handle, array, _ = shared_cache.SharedMemoryDatasetCache.try_attach_or_create("eyes.h5", name, given)
    try:
        with h5py.File("eyes.h5") as file:
            expected = np.asarray(file[name]) if of_file else given
        same = np.array_equal(array, np.asarray(expected).astype(array.dtype), equal_nan=array.dtype.kind == "f")
    finally:
        handle.close()
    if not same:
        raise WrongError(f"the copy of {name} is not what the file holds")
    return "shared copy"


def a_heatmap(world: World) -> str:
    points = torch.tensor(
        [[[world.choose(0.0, 5.3, -3.0, 31.0, 1e9, math.inf, math.nan) for _ in "xy"] for _ in range(3)]]
    )
    sigma = world.choose(0.8, 1.5, 1e-3, 1e3)
    maps = render_heatmaps(points, (16, 16), 2, sigma)
    if not bool(torch.isfinite(maps).all()):
        raise WrongError(f"a heatmap of {points.tolist()} is not finite")
    spoilt = maps * world.choose(1.0, 0.0, 1e-30, -1.0)
    keypoints_of_heatmaps(spoilt, 2)
    found, scores, _ = decode_heatmaps(spoilt, 2)
    if not bool(torch.isfinite(found).all() and torch.isfinite(scores).all()):
        raise WrongError(f"decoding heatmaps of {points.tolist()}, sigma {sigma}: not finite")
    return "heatmap"


PACKAGE = Path(glint_unet.__file__).parent
CALLS = (a_config, a_detection, a_checkpoint, a_log_row, a_shared_copy, a_heatmap)
DETECTOR: list[GlintDetector] = []


def a_call(world: World) -> str:
    """One of `CALLS`, whose arguments may be refused as the API documents it."""
    call = world.choose(*CALLS)
    try:
        return str(call(world))
    except (GlintError, TypeError) as error:
        if not is_refusal(error):
            raise
    return f"{call.__name__}, refused"


def is_refusal(error: BaseException) -> bool:
    """Whether it is an error for the user: a `GlintError`, or a `TypeError` that our own code raises on purpose."""
    *_, innermost = traceback.extract_tb(error.__traceback__)
    is_ours = Path(innermost.filename).is_relative_to(PACKAGE) and (innermost.line or "").startswith("raise ")
    return isinstance(error, GlintError) or (isinstance(error, TypeError) and is_ours)
