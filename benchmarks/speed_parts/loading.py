"""Speed of what brings batches to the device."""

import contextlib
import statistics
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import torch
from original_way import OriginalDataset, original_loader
from speed_parts.measuring import BATCH, Trainer, interleaved, noise, ratio, synthetic

from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.sources import MemorySource, open_source


def loader(directory: Path, device: torch.device, rounds: int) -> None:
    """Batches of stored arrays, ready for the device: 1,000 images of 256x256, heatmaps 64x64."""
    path = noise(directory, 1000, 256)
    info = inspect_dataset(path)
    ours, peer = MemorySource(info), OriginalDataset(path)
    order = np.random.default_rng(0).permutation(info.num_images)
    rows = [order[k : k + BATCH] for k in range(0, len(order), BATCH)]
    tasks = {
        "ours": lambda: [None for _ in ours.batches(rows)],
        "ours_as_float32": lambda: [(b.network_input(), b.stored_heatmaps()) for b in ours.batches(rows)],
        "original_4_workers": lambda: [None for _ in original_loader(peer, 4, BATCH, device.type == "cuda")],
        "original_0_workers": lambda: [None for _ in original_loader(peer, 0, BATCH)],
    }
    with contextlib.suppress(ModuleNotFoundError):
        tasks["monai"] = monai_loader(peer)
    seconds = interleaved(rounds, device, tasks)
    for name, taken in seconds.items():
        print(f"{name}: {info.num_images / statistics.median(taken):,.0f} samples/s")
    print(f"ours / original default (4 workers): {ratio(seconds['original_4_workers'], seconds['ours'])}   goal 20")
    if "monai" in seconds:
        print(f"ours / MONAI CacheDataset + ThreadDataLoader: {ratio(seconds['monai'], seconds['ours'])}   goal 3")
        print(f"ours with float32 made on the CPU / MONAI: {ratio(seconds['monai'], seconds['ours_as_float32'])}")


def monai_loader(peer: OriginalDataset) -> Callable[[], object]:
    from monai.data import CacheDataset, ThreadDataLoader

    items = [{"image": image[None], "heatmaps": maps} for image, maps in zip(peer.images, peer.heatmaps, strict=True)]
    cached = CacheDataset(items, transform=lambda item: item, progress=False)
    return lambda: [None for _ in ThreadDataLoader(cached, num_workers=0, batch_size=BATCH, shuffle=True)]


def floor(directory: Path, device: torch.device, rounds: int) -> None:
    """An epoch from every cache over the same steps on one batch that never changes: 400 images of 128x128."""
    trainer = Trainer(synthetic(directory, 400, 128), device)
    chunked = rechunked(trainer.info.path, directory / "chunked.h5")
    sources = {
        name: open_source(inspect_dataset(path), cache, num_workers=workers, device=device)
        for name, path, cache, workers in (
            ("ram", trainer.info.path, "ram", 0),
            ("shared", trainer.info.path, "shared", 0),
            ("device", trainer.info.path, "device", 0),
            ("file", trainer.info.path, "none", 0),
            ("file_in_chunks_of_16", chunked, "none", 0),
        )
    }
    batch = sources["ram"].gather(trainer.rows[0]).to(device)
    tasks = {name: lambda source=source: trainer.epoch(source) for name, source in sources.items()}
    seconds = interleaved(2 * rounds, device, {"floor": lambda: trainer.same_batch(batch), **tasks})
    images = sum(map(len, trainer.rows))
    print(f"floor: {images / statistics.median(seconds['floor']):.1f} images/s")
    for name in tasks:
        print(
            f"epoch / floor, {name}: {ratio(seconds[name], seconds['floor'])}   goal {1.1 if 'file' in name else 1.03}"
        )
    for source in sources.values():
        source.close()


def rechunked(path: Path, to: Path) -> Path:
    """The same data set as other tools write it: compressed chunks of 16 rows."""
    with h5py.File(path) as old, h5py.File(to, "w") as new:
        new.attrs.update(old.attrs)
        for name in ("images", "heatmaps", "keypoints"):
            part = old[name][:]
            new.create_dataset(name, data=part, chunks=(16, *part.shape[1:]), compression="gzip")
    return to
