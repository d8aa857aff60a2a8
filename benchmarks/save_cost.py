"""What saving costs: the default network's best and latest checkpoint, as at the end of an epoch that was the best.

python benchmarks/save_cost.py [--out DIR]
"""

import argparse
import platform
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import torch

from glint_unet.model.unet import UNet
from glint_unet.runs.checkpoint_manager import CheckpointManager

EPOCH_S = 60


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", default=None, help="directory on the disk to measure")
    out = parser.parse_args().out
    network = UNet()
    optimizer = torch.optim.Adam(network.parameters())
    network(torch.rand(1, 1, 64, 64)).sum().backward()
    optimizer.step()
    row = {"train": dict.fromkeys("abcdef", 0.1), "val": dict.fromkeys("abcdefghij", 0.1)}
    history = [{"epoch": epoch, **row} for epoch in range(100)]
    with tempfile.TemporaryDirectory(dir=out) as directory:
        manager = CheckpointManager(directory)
        state: tuple[Any, ...] = (1, network, optimizer, {}, {}, {"history": history})
        times: dict[str, list[float]] = {"latest": [], "best": []}
        for _ in range(7):
            for name, save in (("latest", manager.save_latest), ("best", manager.save_best)):
                started = time.perf_counter()
                save(*state)
                times[name].append(time.perf_counter() - started)
        size = (Path(directory) / "latest_checkpoint.pth").stat().st_size
    latest, best = (statistics.median(times[name]) for name in ("latest", "best"))
    print(f"{platform.machine()}, torch {torch.__version__}, checkpoint of {size / 1e6:.1f} MB, median of 7")
    print(f"latest {latest * 1e3:.0f} ms, best (full and weights) {best * 1e3:.0f} ms")
    shares = f"{latest / EPOCH_S:.2%}, where it is the best {(latest + best) / EPOCH_S:.2%}"
    print(f"of an epoch of {EPOCH_S} s: {shares}")


if __name__ == "__main__":
    main()
