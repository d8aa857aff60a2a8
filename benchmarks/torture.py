"""Kill, starve and corrupt the system in every way that docs/faults.md lists, and count what was lost.

    python benchmarks/torture.py [--scale 1.0] [--only kills,exact:0.1,...] [--seed 0]

`--scale 1` is the full table (about an hour on 2 cores); NAME:SCALE is the scale of one trial; `make test` runs a short
form. Trials run in forks of this process, which has imported everything already: real processes, really killed,
without the start-up. A trial is counted as failed with the reason; the status is 1 where any failed. Where the machine
does not allow a trial (loop mounts and small file systems need root), the table says so instead of a count.
"""

import argparse
import io
import os
import platform
import random
import sys
import tempfile
import time
from pathlib import Path

import torch
from fuzz import fuzz
from matplotlib.figure import Figure
from torture_trials.bench import Bench, Tally
from torture_trials.cache_races import cache_races
from torture_trials.io_faults import io_points
from torture_trials.kills import exact, kills, terms
from torture_trials.mutants import mutants_checkpoint, mutants_h5
from torture_trials.power_cuts import power
from torture_trials.walls import walls

from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.messages import set_language


def random_input(bench: Bench, scale: float) -> Tally:
    """Random command lines, API calls and annotation files, as `benchmarks/fuzz.py` draws them."""
    tally = Tally("random command lines, API calls, annotation files", "0 tracebacks, 0 silent wrong results")
    tally.count = bench.count(10_000, scale)
    counts, tally.failures = fuzz(tally.count, seed=0)
    tally.remark = f"{len(counts)} kinds"
    return tally


TRIALS = {
    "kills": kills,
    "exact": exact,
    "power": power,
    "io": io_points,
    "terms": terms,
    "cache": cache_races,
    "h5": mutants_h5,
    "checkpoints": mutants_checkpoint,
    "walls": walls,
    "fuzz": random_input,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--only", default=",".join(TRIALS))
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    # what a training imports and sets up on first use, once instead of in every child
    torch.optim.Adam([torch.zeros(1)])
    Figure().savefig(io.BytesIO())
    set_language("en")
    failed = False
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    print("| test | count | allowed | failed | remark | seconds |\n|---|---|---|---|---|---|", flush=True)
    for word in arguments.only.split(","):
        name, _, own_scale = word.partition(":")
        with tempfile.TemporaryDirectory(prefix="glint_torture_") as root:
            os.environ["HOME"] = root
            data = Path(root) / "eyes.h5"
            list(write_synthetic(data, Rig.ring(3, image_size=(32, 32), stride=2, level="easy"), num=20, seed=5))
            time.sleep(2.1)  # so that its identity is trusted and it is validated once
            bench = Bench(Path(root), random.Random(f"{name} {arguments.seed}"), data)
            started = time.monotonic()
            tally = TRIALS[name](bench, float(own_scale or arguments.scale))
            seconds = time.monotonic() - started
        cells = (tally.name, tally.count, tally.allowed, len(tally.failures), tally.remark, f"{seconds:.0f}")
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        print("".join(f"{name}: {failure}\n" for failure in tally.failures[:50]), end="", file=sys.stderr, flush=True)
        failed |= bool(tally.failures)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
