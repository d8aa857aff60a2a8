"""Images/s with the default number of CPU threads against the best number set by hand, on idle and busy machines.

Protocol. Trainings with all default settings on 400 synthetic eyes of 128x128, in these situations: alone; beside 1, 2
and 4 processes that are busy all the time; 2 and 4 trainings that start together; 2 trainings, of which the second
starts 20 s after the first; and one training beside 2 processes that become busy 20 s after its start. In each
situation, all trainings use the default, then each number of --numbers. A training is counted from its first
checkpoint for --seconds s, stopped by SIGTERM, and its images/s are all images trained on in that time, validation and
saving included; a step that does not end within as many seconds again does not count. Several trainings: their sum.
OMP_NUM_THREADS and OMP_WAIT_POLICY are removed from the environment. The goal is a ratio of at least .9. Nothing else
may run; about 25 minutes.

    python benchmarks/threads.py [--seconds 40] [--numbers 1 2] [--situations alone busy_2 ...] [--out DIR]
"""

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import torch

from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.run_directory import RunDirectory

ROOT = Path(__file__).resolve().parent.parent
NUM_IMAGES, SIZE, LATER_S = 400, 128, 20.0


@dataclass(frozen=True)
class Situation:
    """What runs: trainings, busy processes, and whether the last ones start later than the first training."""

    title: str
    num_trainings: int = 1
    num_busy: int = 0
    is_staggered: bool = False


SITUATIONS = {
    "alone": Situation("alone"),
    "busy_1": Situation("beside 1 busy process", num_busy=1),
    "busy_2": Situation("beside 2 busy processes", num_busy=2),
    "busy_4": Situation("beside 4 busy processes", num_busy=4),
    "trainings_2": Situation("2 trainings", num_trainings=2),
    "trainings_4": Situation("4 trainings", num_trainings=4),
    "trainings_later": Situation("2 trainings, the second 20 s later", num_trainings=2, is_staggered=True),
    "busy_later": Situation("beside 2 busy processes from 20 s on", num_busy=2, is_staggered=True),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=40)
    parser.add_argument("--numbers", type=int, nargs="+", default=sorted({1, os.cpu_count() or 1}))
    parser.add_argument("--situations", nargs="+", choices=list(SITUATIONS), default=list(SITUATIONS))
    parser.add_argument("--out", type=Path, default=None)
    arguments = parser.parse_args()
    out = arguments.out or Path(tempfile.mkdtemp(prefix="glint_threads_"))
    out.mkdir(parents=True, exist_ok=True)
    words = ["synth", out / "eyes.h5", "--num", NUM_IMAGES, "--size", SIZE, "--level", "medium", "--overwrite"]
    subprocess.run(command(*words), check=True, env=environment(), stdout=subprocess.DEVNULL)
    print(f"{platform.machine()}, {os.cpu_count()} cores, torch {torch.__version__}, {arguments.seconds:g} s each")
    print(f"| images/s | default (threads at the end) | {' | '.join(map(str, arguments.numbers))} | default / best |")
    print("|---" * (3 + len(arguments.numbers)) + "|", flush=True)
    for name in arguments.situations:
        rates: dict[int, float] = {}
        used: list[str] = []
        for number in (0, *arguments.numbers):
            runs = [out / f"{name}_{number}_{k}" for k in range(SITUATIONS[name].num_trainings)]
            rates[number] = measured(SITUATIONS[name], runs, out / "eyes.h5", number, arguments.seconds)
            used = used or [str(Checkpoint.read(RunDirectory(run).latest).config.threads) for run in runs]
        by_hand = [rates[number] for number in arguments.numbers]
        cells = [f"{rates[0]:.1f} ({', '.join(used)})", *(f"{rate:.1f}" for rate in by_hand)]
        print(f"| {SITUATIONS[name].title} | {' | '.join(cells)} | {rates[0] / max(by_hand):.2f} |", flush=True)


def environment() -> dict[str, str]:
    """The environment of a user who has set nothing."""
    return {name: value for name, value in os.environ.items() if not re.match("OMP_|GOMP_", name)}


def command(*words: object) -> list[str]:
    """The argument list of `glint-unet WORDS`."""
    return [
        sys.executable,
        "-c",
        f"import sys; sys.path.insert(0, {str(ROOT)!r}); import glint_unet.__main__",
        *map(str, words),
    ]


def measured(situation: Situation, runs: list[Path], h5: Path, number: int, seconds: float) -> float:
    """Images/s of all trainings of a situation together."""
    trainings = [Training(runs[0], h5, number)]
    busy: list[subprocess.Popen[bytes]] = []
    try:
        if situation.is_staggered:
            trainings[0].wait_for_the_first_step()
            time.sleep(LATER_S)
        busy += [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(situation.num_busy)]
        trainings += [Training(run, h5, number) for run in runs[1:]]
        for training in trainings:
            training.wait_for_the_first_step()
        time.sleep(seconds)
        for training in trainings:
            training.process.send_signal(signal.SIGTERM)
        return sum(training.images_per_s(seconds) for training in trainings)
    finally:
        for process in (*busy, *(training.process for training in trainings)):
            process.kill()
            process.wait()


class Training:
    """A training process, and the time since its first checkpoint."""

    def __init__(self, run: Path, h5: Path, number: int) -> None:
        words = ["train", "--h5", h5, "--output_dir", run, "--epochs", 100_000, "--threads", number, "--device", "cpu"]
        words += ["--save_freq", 0, "--no_progress"]
        self.run = run
        with run.with_suffix(".txt").open("wb") as console:
            self.process = subprocess.Popen(command(*words), env=environment(), stdout=console, stderr=console)

    def wait_for_the_first_step(self) -> None:
        while not RunDirectory(self.run).latest.exists():
            if self.process.poll() is not None:
                raise SystemExit(f"a training failed: {self.run.with_suffix('.txt')}")
            time.sleep(0.05)

    def images_per_s(self, patience_s: float) -> float:
        """Waits for the end, and divides the images trained on by the time."""
        try:
            self.process.wait(timeout=patience_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        passed = time.time() - RunDirectory(self.run).split.stat().st_mtime  # written just before the first step
        checkpoint = Checkpoint.read(RunDirectory(self.run).latest)
        epochs, batches = checkpoint.position
        num_train = len(checkpoint.run_state().split.train)
        return (epochs * num_train + batches * checkpoint.config.batch_size) / passed


if __name__ == "__main__":
    main()
