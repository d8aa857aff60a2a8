"""How fast: ratios against named peers, interleaved runs, medians.

The peer is the original implementation's way to train (benchmarks/original_way.py).

    python benchmarks/speed.py [loader floor training network inference memory start growth gpu] [--device cpu|cuda]

A ratio is the median over rounds of (peer's time / ours) within one round, so a slow minute of the machine hits both.
Memory is PSS: a page shared by n processes counts 1/n in each.
"""

import argparse
import os
import platform
import tempfile
import time
import warnings
from pathlib import Path

import torch
from speed_parts.loading import floor, loader
from speed_parts.programs import inference, memory, start
from speed_parts.steps import gpu_use, growth, network_alone, training


def main() -> None:
    parts = {
        "loader": loader,
        "floor": floor,
        "training": training,
        "network": network_alone,
        "inference": inference,
        "memory": memory,
        "start": start,
        "growth": growth,
        "gpu": gpu_use,
    }
    warnings.filterwarnings(
        "ignore", "This DataLoader will create"
    )  # the original implementation's 4 workers on fewer cores
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", default=[], metavar="|".join(parts))
    parser.add_argument("--device", default="cpu", choices=("cpu", "cuda"))
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    device = torch.device(arguments.device)
    named = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} threads"
    print(f"machine: {platform.machine()}, {os.cpu_count()} cores, {device} ({named}), torch {torch.__version__}")
    with tempfile.TemporaryDirectory(prefix="glint_speed_") as directory:
        for name in arguments.parts or [n for n in parts if n != "gpu" or device.type == "cuda"]:
            started = time.monotonic()
            print(f"\n== {name}", flush=True)
            parts[name](Path(directory), device, arguments.rounds)
            print(f"({name}: {time.monotonic() - started:.0f} s)", flush=True)


if __name__ == "__main__":
    main()
