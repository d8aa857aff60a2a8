"""Whole programs: inference, memory of several experiments, start-up."""

import contextlib
import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil
import torch
from speed_parts.measuring import ROOT, noise, ratio, synthetic

from glint_unet.inference.onnx_file import export_onnx


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
