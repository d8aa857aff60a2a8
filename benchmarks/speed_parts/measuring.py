"""How speed is measured: interleaved rounds, ratios, data sets of any size, and our step alone."""

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from glint_unet.config import TrainConfig
from glint_unet.data.augment import sample_augmentation
from glint_unet.data.batch import Batch
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.prefetch import ready_for
from glint_unet.data.source import Source
from glint_unet.data.split import epoch_batches
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.training.run_data import new_split
from glint_unet.training.state import new_state
from glint_unet.training.step import train_step

ROOT = Path(__file__).resolve().parent.parent.parent
BATCH = 8


def interleaved(rounds: int, device: torch.device, tasks: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Seconds of every task in every round, after one round that does not count; each round begins with another one."""
    seconds: dict[str, list[float]] = {name: [] for name in tasks}
    for k in range(rounds + 1):
        order = list(tasks)
        for name in order[k % len(order) :] + order[: k % len(order)]:
            task = tasks[name]
            started = time.perf_counter()
            task()
            if device.type == "cuda":
                torch.cuda.synchronize()
            if k:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def ratio(slower: list[float], faster: list[float]) -> str:
    each = [a / b for a, b in zip(slower, faster, strict=True)]
    return f"{statistics.median(each):.3f} (of {len(each)}: {min(each):.3f} to {max(each):.3f})"


def synthetic(directory: Path, num: int, side: int) -> Path:
    path = directory / f"eyes_{num}_{side}.h5"
    if not path.exists():
        list(write_synthetic(path, Rig.ring(8, image_size=(side, side), level="medium"), num=num, seed=1))
    return path


def noise(directory: Path, num: int, side: int) -> Path:
    """Random images: for what depends on sizes alone."""
    path = directory / f"noise_{num}_{side}.h5"
    rng, cells = np.random.default_rng(0), side // 4
    if not path.exists():
        with DatasetWriter(
            path, num_classes=8, image_size=(side, side), heatmap_size=(cells, cells), attributes={"prefix": "g"}
        ) as writer:
            for done in range(0, num, 100):
                images = rng.integers(0, 255, (100, side, side), dtype=np.uint8)
                maps = rng.random((100, 8, cells, cells)).astype(np.float16)
                points = rng.uniform(0, side - 1, (100, 8, 2)).astype(np.float32)
                writer.append(images, maps, points, [f"{done + k}" for k in range(100)])
    return path


class Trainer:
    """Our step on our sources, without a run directory around it."""

    def __init__(self, path: Path, device: torch.device, **settings: Any) -> None:
        self.config = TrainConfig(h5=str(path), batch=BATCH, **settings)
        self.info, self.device = inspect_dataset(path), device
        self.state = new_state(self.config, self.info, device, new_split(self.config, self.info))
        self.rows = epoch_batches(self.state.split.train, BATCH, 0, 1)
        self.state.network.train()

    def step(self, rows: np.ndarray, batch: Batch) -> None:
        draws = sample_augmentation(0, 1, rows, self.info.num_classes).to(self.device) if self.config.augment else None
        train_step(self.state, batch.to(self.device), draws, self.config, self.info)

    def epoch(self, source: Source) -> None:
        for rows, batch in zip(self.rows, ready_for(self.device, source.batches(self.rows)), strict=True):
            self.step(rows, batch)

    def same_batch(self, batch: Batch) -> None:
        for rows in self.rows:
            self.step(rows[: len(batch.images)], batch)
