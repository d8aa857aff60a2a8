"""Random command lines, API calls and annotation files: nothing may end in a traceback or in a silent wrong result.

    python benchmarks/fuzz.py [--num 10000] [--seed 0] [--first 0] [--only commands,annotations,calls]

Each case is a function of (seed, number); a failure is printed with the command that repeats it alone. Commands run in
this process, in a directory of their own, with values that a command would work on for minutes left out.
"""

import argparse
import random
import signal
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from types import FrameType

import torch
from fuzzing.annotations import an_annotation
from fuzzing.calls import DETECTOR, a_call
from fuzzing.command_lines import a_command
from fuzzing.world import World, at_home_in, build, described

from glint_unet.inference.predictor import GlintDetector

LIMIT_S = 600  # of a case that hangs, on the busiest machine
CASES: dict[str, tuple[Callable[[World], str], int]] = {  # and how often each is drawn
    "commands": (a_command, 11),
    "annotations": (an_annotation, 4),
    "calls": (a_call, 5),
}


def out_of_time(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"longer than {LIMIT_S} s")


def fuzz(num: int, seed: int, first: int = 0, only: Sequence[str] = tuple(CASES)) -> tuple[Counter[str], list[str]]:
    """Runs cases `first` to `first + num - 1`: how many there were of each kind, and what failed."""
    counts: Counter[str] = Counter()
    failures = []
    drawn = [CASES[name][0] for name in only for _ in range(CASES[name][1])]
    before = signal.signal(signal.SIGALRM, out_of_time)
    with tempfile.TemporaryDirectory(prefix="glint_fuzz_") as root, at_home_in(Path(root)), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        build(Path(root))
        DETECTOR[:] = [GlintDetector.load(Path(root) / "run")]
        for number in range(first, first + num):
            signal.alarm(LIMIT_S)
            try:
                world = World(Path(root), random.Random(f"{seed} {number}"))
                counts[world.choose(*drawn)(world)] += 1
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt):
                    raise
                repeat = f"python benchmarks/fuzz.py --only {','.join(only)} --seed {seed} --first {number} --num 1"
                failures.append(f"{described(error)}; {repeat}")
            finally:
                signal.alarm(0)
    signal.signal(signal.SIGALRM, before)
    return counts, failures


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--num", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--only", default=",".join(CASES))
    given = parser.parse_args()
    torch.set_num_threads(1)
    counted, failed = fuzz(given.num, given.seed, given.first, given.only.split(","))
    for kind_of_case, count in sorted(counted.items()):
        print(f"{count:6} {kind_of_case}")
    for failure in failed:
        print(failure, file=sys.stderr)
    print(f"{len(failed)} failures in {given.num} cases")
    raise SystemExit(int(bool(failed)))
