"""What a sweep costs: overhead per trial against the bare command, and the memory of four trials side by side.

python benchmarks/sweep.py [--part overhead|memory|all] [--trials 4] [--num 20000] [--size 128] [--work_dir DIR]

Overhead: the same trainings (32x32 images, 1 epoch, one at a time, a shared copy of the data that exists already)
started as `glint-unet train` in turn, and as one sweep with --parallel 1: wall time and CPU time. The difference,
divided by the number of trials, includes the start and end of the sweep, which are also measured alone, on a finished
sweep. CPU time is the one to compare on a machine that is busy otherwise.

Memory: `--num` images; four trials of a sweep with --parallel 4, and four bare commands without --shared_memory, each
measured when all four have written their first checkpoint: proportional set size (PSS) of all processes together, in
which a page that several processes share counts once. The sweep process itself is included.
"""

import argparse
import platform
import resource
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import h5py
import numpy as np
import psutil
from numpy.typing import NDArray

from glint_unet.data.shared_cache import SharedMemoryDatasetCache
from glint_unet.own_command import python_command, train_command

Array = NDArray[np.float64]
RATES = ("1e-3", "2e-3", "3e-3", "4e-3", "5e-3", "6e-3", "7e-3", "8e-3")
MAIN = "from glint_unet.cli.main import main; sys.exit(main())"


def main() -> None:
    assert __doc__
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--part", choices=("overhead", "memory", "all"), default="all")
    parser.add_argument("--trials", type=int, default=4, choices=range(1, len(RATES) + 1))
    parser.add_argument("--num", type=int, default=20_000, help="images of the part on memory")
    parser.add_argument("--size", type=int, default=128, help="their sides in pixels")
    parser.add_argument("--work_dir", default=None, help="where to put the data and the runs")
    options = parser.parse_args()
    print(f"{platform.machine()}, {psutil.cpu_count()} cores, load {psutil.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=options.work_dir) as directory:
        if options.part != "memory":
            overhead(Path(directory) / "overhead", RATES[: options.trials])
        if options.part != "overhead":
            memory(Path(directory) / "memory", options.num, options.size)


def write_data(path: Path, num: int, size: int) -> Path:
    """A data set of noise with one LED, which is all that these measurements need."""
    path.parent.mkdir()
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", (num, size, size), "uint8", chunks=(16, size, size))
        for k in range(0, num, 1000):
            images[k : k + 1000] = rng.integers(0, 255, (min(1000, num - k), size, size), dtype=np.uint8)
        file["keypoints"] = rng.uniform(4, size - 4, (num, 1, 2)).astype(np.float32)
    return path


def flags(data: Path, epochs: int) -> list[str]:
    return [f"--h5={data}", f"--epochs={epochs}", "--base_channels=4", "--device=cpu", "--lang=en", "--threads=1"]


def sweep_command(data: Path, directory: Path, rates: Sequence[str], parallel: int, epochs: int) -> list[str]:
    own = [f"--output_dir={directory}", f"--set=lr={','.join(rates)}", f"--parallel={parallel}"]
    return [*python_command(MAIN), "sweep", *flags(data, epochs), *own]


def overhead(work: Path, rates: Sequence[str]) -> None:
    data = write_data(work / "eyes.h5", 64, 32)

    def train(name: str, rate: str) -> list[str]:
        own = ["--no_progress", "--shared_memory", "--best_metric=f1", f"--lr={rate}", f"--output_dir={work / name}"]
        return train_command([*flags(data, 1), *own])

    cost(train("first", rates[0]))  # validates the data set and creates the shared copy
    bare = np.sum([cost(train(f"bare_{rate}", rate)) for rate in rates], axis=0)
    command = sweep_command(data, work / "sweep", rates, 1, 1)
    whole, start = cost(command), cost(command)
    SharedMemoryDatasetCache.cleanup(data)
    for k, name in enumerate(("wall", "CPU")):
        print(f"{name}: {len(rates)} bare commands {bare[k]:.1f} s, as a sweep {whole[k]:.1f} s,", end=" ")
        print(f"of which start and end {start[k]:.1f} s; overhead per trial {(whole[k] - bare[k]) / len(rates):.2f} s")


def cost(command: Sequence[str]) -> Array:
    """Wall and CPU seconds of a command and its children."""
    started, used = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime
    return np.array([time.perf_counter() - started, cpu])


def memory(work: Path, num: int, size: int) -> None:
    data = write_data(work / "eyes.h5", num, size)
    rates = RATES[:4]
    separate = [
        train_command([*flags(data, 1000), "--no_progress", "--cache=ram", f"--output_dir={work / rate}"])
        for rate in rates
    ]
    apart = measured(separate, [work / rate for rate in rates])
    sweep = work / "sweep"
    together = measured([sweep_command(data, sweep, rates, 4, 1000)], [sweep / f"trial_{k:03d}" for k in range(4)])
    SharedMemoryDatasetCache.cleanup(data)
    print(f"{num} images of {size}x{size} ({num * size**2 / 2**20:.0f} MB): PSS of four separate runs {apart:.0f} MB")
    print(f"four trials of a sweep, the sweep included: {together:.0f} MB, {together / apart:.2f} of it")


def measured(commands: Sequence[Sequence[str]], runs: Sequence[Path]) -> float:
    """PSS in MB of these commands and their children when every run has written a checkpoint; then they are stopped."""
    processes = [subprocess.Popen(command, stdout=subprocess.DEVNULL) for command in commands]
    while not all((run / "latest_checkpoint.pth").exists() for run in runs):
        assert all(process.poll() is None for process in processes), "ended before its first checkpoint"
        time.sleep(0.2)
    time.sleep(5)  # of training, in which buffers reach their size
    parents = [psutil.Process(process.pid) for process in processes]
    everyone = [*parents, *(child for parent in parents for child in parent.children(recursive=True))]
    total = float(sum(process.memory_full_info().pss for process in everyone)) / 2**20
    for process in processes:
        process.send_signal(signal.SIGTERM)
    for process in processes:
        process.wait()
    return total


if __name__ == "__main__":
    main()
