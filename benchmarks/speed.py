"""How fast: ratios against named peers, interleaved runs, medians.

The peer is the original implementation's way to train (benchmarks/original_way.py).

    python benchmarks/speed.py [loader floor training network inference memory start growth gpu] [--device cpu|cuda]

A ratio is the median over rounds of (peer's time / ours) within one round, so a slow minute of the machine hits both.
Memory is PSS: a page shared by n processes counts 1/n in each.
"""

import argparse
import contextlib
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import psutil
import torch
from original_way import OriginalDataset, original_epoch, original_loader

from glint_unet.config import TrainConfig
from glint_unet.data.augment import sample_augmentation
from glint_unet.data.batch import Batch
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.dataset_writer import DatasetWriter
from glint_unet.data.prefetch import ready_for
from glint_unet.data.sources import MemorySource, Source, open_source
from glint_unet.data.split import epoch_batches
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.inference.onnx_file import export_onnx
from glint_unet.model.unet import UNet
from glint_unet.training.run_data import new_split, open_data
from glint_unet.training.state import new_state
from glint_unet.training.step import train_step

ROOT = Path(__file__).resolve().parent.parent
BATCH = 8


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


# --- measuring ---


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


# --- the parts ---


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


def inference(directory: Path, device: torch.device, rounds: int) -> None:
    """One 256x256 image on one CPU thread, decoding included in ours; 20 images a round."""
    program = """
import json, sys, time, statistics
import numpy as np, torch
torch.set_num_threads(1)
from glint_unet import GlintDetector
from glint_unet.model.unet import UNet
checkpoint, onnx, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
image = np.random.default_rng(0).integers(0, 255, (256, 256), dtype=np.uint8)
unet = UNet().eval()
def original():
    with torch.inference_mode():
        unet(torch.from_numpy(image[None, None]).float() / 255).sigmoid().flatten(2).argmax(-1)
eager, runtime = GlintDetector.load(checkpoint), GlintDetector.load(onnx)
tasks = {
    "original U-Net, eager": original,
    "ours, eager": lambda: eager(image),
    "ours, ONNX Runtime": lambda: runtime(image),
}
times = {name: [] for name in tasks}
for k in range(rounds + 1):
    for name, task in tasks.items():
        began = time.perf_counter()
        for _ in range(20):
            task()
        if k:
            times[name].append((time.perf_counter() - began) / 20)
print(json.dumps(times))
"""
    run = directory / "run"
    words = ["--h5", synthetic(directory, 72, 256), "--output_dir", run, "--epochs", 1, "--no_progress"]
    subprocess.run(
        [sys.executable, ROOT / "train_glint_unet.py", *map(str, words), "--device", "cpu"],
        check=True,
        capture_output=True,
    )
    from glint_unet.inference.trained_model import load_model

    onnx = directory / "model.onnx"
    export_onnx(load_model(run), onnx)
    ran = subprocess.run(
        [sys.executable, "-c", program, run, onnx, str(rounds)], check=True, capture_output=True, text=True, cwd=ROOT
    )
    times = json.loads(ran.stdout)
    for name, seconds in times.items():
        print(f"{name}: {1e3 * statistics.median(seconds):.2f} ms")
    peer = times["original U-Net, eager"]
    print(f"original U-Net eager / ours by ONNX Runtime: {ratio(peer, times['ours, ONNX Runtime'])}   goal 5")
    print(f"original U-Net eager / ours eager: {ratio(peer, times['ours, eager'])}")


_HOLDER = """
import sys, time
import torch
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.sources import MemorySource
import glint_unet.training.loop
if sys.argv[1] != "bare":
    began = time.perf_counter()
    source = MemorySource(inspect_dataset(sys.argv[1]), shared=True)
    attached = time.perf_counter() - began
    total = sum(int(array.view("uint8").sum(dtype="uint64")) for array in source._arrays.values())
    print(f"{attached} {source.num_bytes}", flush=True)
else:
    print("0 0", flush=True)
sys.stdin.read()
"""


def memory(directory: Path, device: torch.device, rounds: int) -> None:
    """PSS of experiments that have read every byte of one shared copy, above as many bare interpreters."""
    path = noise(directory, 2000, 256)

    def held(argument: Path | str, num: int) -> tuple[int, list[float], int]:
        """PSS of `num` holders together, the seconds that each took to attach, bytes of the copy."""
        words = [sys.executable, "-c", _HOLDER, str(argument)]
        processes, times = [], []
        try:
            for _ in range(num):
                process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
                processes.append(process)
                assert process.stdout
                times.append(process.stdout.readline().split())
            pss = sum(psutil.Process(process.pid).memory_full_info().pss for process in processes)
            return pss, [float(seconds) for seconds, _ in times], int(times[0][1])
        finally:
            for process in processes:
                process.kill()
                process.wait()

    copy = held(path, 1)[2]
    attach = []
    print(f"one compact copy: {copy / 1e6:.0f} MB")
    above = {}
    for num in (1, 2, 4):
        bare = held("bare", num)[0]
        pss, times, _ = held(path, num)
        above[num] = pss - bare
        attach += times[1:]
        print(f"{num} experiments above {num} bare interpreters: {above[num] / copy:.3f} copies   goal 1.1")
    print(f"extra of the 2nd: {(above[2] - above[1]) / copy:+.3f}, of the 4th: {(above[4] - above[2]) / 2 / copy:+.3f}")
    each = f"median {1e3 * statistics.median(attach):.1f}, worst {1e3 * max(attach):.1f} ms"
    print(f"attach, opening the file included: {each} (of {len(attach)})   goal 50")
    drop_shared_copy(path)


def drop_shared_copy(path: Path) -> None:
    words = ["-m", "glint_unet", "shm", "--cleanup", "--h5", str(path)]
    subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=True)


def start(directory: Path, device: torch.device, rounds: int) -> None:
    """`--help`, and the command until its first step is about to begin, with the data in the shared copy."""
    program, path = str(ROOT / "train_glint_unet.py"), noise(directory, 2000, 256)
    helps, firsts = [], []
    for k in range(rounds + 1):
        began = time.perf_counter()
        subprocess.run([sys.executable, program, "--help"], check=True, capture_output=True)
        helps.append(time.perf_counter() - began)
        run = directory / f"start_{k}"
        words = ["--h5", path, "--output_dir", run, "--shared_memory", "--no_progress", "--lang", "en"]
        words += ["--device", device.type, "--save_every_minutes", 1e-6]  # latest is written again after the first step
        began = time.perf_counter()
        process = subprocess.Popen([sys.executable, program, *map(str, words)], stdout=subprocess.DEVNULL)
        latest, first = run / "latest_checkpoint.pth", None
        while process.poll() is None and time.perf_counter() - began < 120:
            with contextlib.suppress(FileNotFoundError):
                first = first or latest.stat().st_ino
                if latest.stat().st_ino != first:
                    break
            time.sleep(0.01)
        firsts.append(time.perf_counter() - began)
        process.kill()
        process.wait()
    print(f"--help: median {statistics.median(helps[1:]):.2f} s   goal 0.5")
    cold, warm = firsts[0], statistics.median(firsts[1:])
    print(f"first step done and saved: median {warm:.2f} s, the first time {cold:.2f} s   goal 5")
    drop_shared_copy(path)


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


if __name__ == "__main__":
    main()
