"""Time of `glint-unet runs` on many run directories.

Protocol: directories with the small files of a run (status, provenance, settings, 100 epochs with 8 LEDs) are
made in a temporary directory, a tenth of them damaged; the command runs in a new process each time, with a warm file
cache. Prints the median wall-clock and CPU times, and those of `glint-unet --version`, which is the start of Python and
the package; on a busy machine only the CPU times mean anything.

    python benchmarks/list_runs.py --runs 500
"""

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from pathlib import Path

from glint_unet.config import TrainConfig
from glint_unet.own_command import command_words

NUM_LEDS, EPOCHS = 8, 100


def make_run(path: Path, number: int) -> None:
    path.mkdir()
    metrics = dict.fromkeys(("total", "focal", "votes", "f1", "precision", "recall", "px_median"), 0.123456789)
    row = {"train": metrics, "val": metrics, "lr": 1e-3, "val_confusion": [[9] * (NUM_LEDS + 1)] * NUM_LEDS}
    status = {"state": "running" if number % 3 else "finished", "epoch": EPOCHS, "epochs": EPOCHS, "host": "x"}
    files = {
        "training_args.json": TrainConfig(h5="eyes.h5").to_dict(),
        "metrics.json": [{"epoch": epoch, **row} for epoch in range(1, EPOCHS + 1)],
        "status.json": status,
        "provenance.json": [{"time": "2026-11-27 10:00:00", "device": "cpu"}],
    }
    for name, content in files.items():
        (path / name).write_text("{" if number % 10 == 0 else json.dumps(content, indent=2))


def median_s(words: list[str], repeats: int) -> tuple[float, float]:
    """Median wall-clock and CPU time of the command in seconds."""
    times, cpu_times = [], []
    for _ in range(repeats):
        started, before = time.perf_counter(), os.times()
        subprocess.run(command_words(words), check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - started)
        now = os.times()
        cpu_times.append(now.children_user - before.children_user + now.children_system - before.children_system)
    return statistics.median(times), statistics.median(cpu_times)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=500)
    parser.add_argument("--repeats", type=int, default=5)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for number in range(arguments.runs):
            make_run(Path(directory) / f"run_{number:04d}", number)
        for name, words in ((f"runs ({arguments.runs} runs)", ["runs", directory]), ("--version", ["--version"])):
            wall_s, cpu_s = median_s(words, arguments.repeats)
            print(f"glint-unet {name}: {wall_s:.2f} s, CPU {cpu_s:.2f} s")


if __name__ == "__main__":
    main()
