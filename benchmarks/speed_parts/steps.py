"""Speed of training steps, against peers and against size."""

import statistics
import threading
from functools import partial
from pathlib import Path

import numpy as np
import torch
from original_way import OriginalDataset, original_epoch, original_loader
from speed_parts.measuring import BATCH, Trainer, interleaved, noise, ratio, synthetic

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.sources import MemorySource
from glint_unet.model.unet import UNet
from glint_unet.training.run_data import open_data


def training(directory: Path, device: torch.device, rounds: int) -> None:
    """The original implementation's network and loss, trained its way and ours: 120 images of 128x128."""
    path = synthetic(directory, 120, 128)
    recipe = {"loss": "focal", "div_weight": 0.05, "lam_agg": 0.2, "targets": "file", "augment": False}
    ours = Trainer(path, device, arch="unet", ema_decay=0, **recipe)
    source = open_data(ours.config, ours.info, device, 1)
    peer, network = OriginalDataset(path), UNet().to(device)
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-3)
    tasks = {
        f"original_{n}_workers": lambda n=n: original_epoch(network, optimizer, original_loader(peer, n, BATCH), device)
        for n in (4, 0)
    }
    seconds = interleaved(rounds, device, {"ours": lambda: ours.epoch(source), **tasks})
    images = sum(map(len, ours.rows))
    speed = {"ours": [images / s for s in seconds["ours"]], **{n: [len(peer) / s for s in seconds[n]] for n in tasks}}
    for name, each in speed.items():
        print(f"{name}: {statistics.median(each):.1f} images/s")
    for name in tasks:
        print(f"ours / {name}: {ratio(speed['ours'], speed[name])}   goal {1.0 if device.type == 'cpu' else 4}")


def network_alone(directory: Path, device: torch.device, rounds: int) -> None:
    """Training images/s of the default network over the plain U-Net's, the rest the same: 64 images of 256x256."""
    path = synthetic(directory, 72, 256)
    compact, unet = (Trainer(path, device, arch=arch) for arch in ("compact", "unet"))
    source = open_data(compact.config, compact.info, device, 1)
    seconds = interleaved(
        rounds, device, {"compact": lambda: compact.epoch(source), "unet": lambda: unet.epoch(source)}
    )
    images = sum(map(len, compact.rows))
    for name, taken in seconds.items():
        print(f"{name}: {images / statistics.median(taken):.1f} images/s")
    goal = 4 if device.type == "cpu" else 2
    print(f"default network / plain U-Net: {ratio(seconds['unet'], seconds['compact'])}   goal {goal}")


def gather(source: MemorySource, rows: list[np.ndarray]) -> None:
    for some in rows:
        source.gather(some)


def growth(directory: Path, device: torch.device, rounds: int) -> None:
    """Time per image from few to many images, and per pixel from small to large ones."""
    for num in (1000, 10_000, 50_000):
        source = MemorySource(inspect_dataset(noise(directory, num, 32)))
        rows = [np.random.default_rng(k).integers(0, num, BATCH) for k in range(500)]
        taken = interleaved(rounds, device, {"gather": partial(gather, source, rows)})
        print(f"gather, {num} images of 32x32: {1e6 * statistics.median(taken['gather']) / 4000:.2f} us/image")
    for side in (128, 256, 512):
        trainer = Trainer(noise(directory, 100, side), device)
        trainer.rows = trainer.rows[:4]
        batch = MemorySource(trainer.info).gather(trainer.rows[0]).to(device)
        taken = interleaved(rounds, device, {"step": partial(trainer.same_batch, batch)})
        per_image = statistics.median(taken["step"]) / (4 * BATCH)
        print(f"step, {side}x{side}: {1e3 * per_image:.2f} ms/image, {1e9 * per_image / side**2:.1f} ns/pixel")


def gpu_use(directory: Path, device: torch.device, rounds: int) -> None:
    """The driver's utilisation while an epoch runs from the GPU's memory, sampled every 50 ms."""
    import pynvml

    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(torch.cuda.current_device())
    trainer = Trainer(noise(directory, 2000, 256), device)
    source = open_data(trainer.config, trainer.info, device, 1)
    trainer.epoch(source)
    used, is_over = [], threading.Event()

    def sample() -> None:
        while not is_over.wait(0.05):
            used.append(pynvml.nvmlDeviceGetUtilizationRates(handle).gpu)

    watcher = threading.Thread(target=sample)
    watcher.start()
    for _ in range(rounds):
        trainer.epoch(source)
        torch.cuda.synchronize()
    is_over.set()
    watcher.join()
    print(f"GPU use: median {statistics.median(used)}%, mean {statistics.mean(used):.0f}% of {len(used)}   goal 95")
