"""Data sets and checkpoints with bytes changed at random."""

import os
import random
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from torture_trials.bench import Bench, Tally, wait

from glint_unet.data import validation
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.sources import MemorySource
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import CheckpointError, GlintError
from glint_unet.model.unet import UNet
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.checkpoint_manager import CheckpointManager

SHARED = Path(__file__).resolve().parent.parent.parent.parent / "shared"


def mutate(content: bytes, rng: random.Random) -> bytes:
    mutant = bytearray(content)
    for _ in range(rng.choice([1, 1, 2, 8, 64])):
        kind, at = rng.randrange(4), rng.randrange(len(mutant))
        if kind == 0:
            mutant[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            mutant[at] = rng.choice([0, 255, rng.randrange(256)])
        elif kind == 2:
            length = rng.randrange(1, 16)
            mutant[at : at + length] = bytes(rng.choice([0, 255]) for _ in mutant[at : at + length])
        else:
            other = rng.randrange(len(mutant))
            mutant[at : at + 8] = mutant[other : other + 8].ljust(len(mutant[at : at + 8]), b"\0")
    if rng.random() < 0.05:
        del mutant[rng.randrange(len(mutant)) :]
    return bytes(mutant)


def mutants_h5(bench: Bench, scale: float) -> Tally:
    """Mutated data sets through the reader that training uses."""
    tally = Tally("mutated HDF5 files (and shared/hostile)", "0 interpreter crashes, 0 hangs")
    plain, packed = bench.root / "plain.h5", bench.root / "packed.h5"
    for path, compression in ((plain, None), (packed, "gzip")):
        list(
            write_synthetic(
                path, Rig.ring(2, image_size=(16, 16), level="easy"), num=6, seed=1, compression=compression
            )
        )
    sources = [plain.read_bytes(), packed.read_bytes()]
    validation._SILENCE_S = 10.0
    outcomes: dict[str, int] = {}
    hostile = sorted((SHARED / "hostile").glob("*.h5")) if SHARED.is_dir() else []

    def judge(task: tuple[int, Path | None]) -> tuple[str, str | None]:
        number, given = task
        path = given or bench.root / f"mutant_{number}.h5"
        if given is None:
            rng = random.Random(number)
            path.write_bytes(mutate(sources[number % 2], rng))
        try:
            validation.validate_dataset(path)
            loaded = subprocess_load(path)
            return ("read", None) if loaded == 0 else ("crash", f"{path.name}: loading ended with {loaded}")
        except GlintError as error:
            return error.key, None if "\n" not in str(error) else f"{path.name}: more than one line"
        except Exception as error:
            return "traceback", f"{path.name}: {error!r}"
        finally:
            if given is None:
                path.unlink()

    tasks = [(number, None) for number in range(bench.count(5000, scale))] + [(0, path) for path in hostile]
    with ThreadPoolExecutor(2) as pool:
        for outcome, failure in pool.map(judge, tasks):
            tally.count += 1
            outcomes[outcome] = outcomes.get(outcome, 0) + 1
            if failure:
                tally.failures.append(failure)
    listed = sorted(outcomes.items(), key=lambda item: -item[1])
    tally.remark = ", ".join(f"{name.removeprefix('dataset_')} {num}" for name, num in listed)
    return tally


def subprocess_load(path: Path) -> int:
    """What training does after validation, in a process of its own so that a crash is seen here as a status."""
    pid = os.fork()
    if pid == 0:
        status = 3
        try:
            source = MemorySource(inspect_dataset(path))
            source.gather(np.arange(min(4, source.info.num_images)))
            status = 0
        except GlintError:
            status = 0
        finally:
            os._exit(status)
    return wait(pid)


def mutants_checkpoint(bench: Bench, scale: float) -> Tally:
    """Mutated checkpoints: refused, or exactly the weights that were saved."""
    tally = Tally("mutated checkpoints", "0 crashes, 0 silent wrong checkpoints")
    network = UNet(num_classes=2, base_channels=1)
    manager = CheckpointManager(bench.root / "mutants")
    path = manager.save_checkpoint(1, network, torch.optim.Adam(network.parameters()), {}, {})
    whole, good = path.read_bytes(), read_checkpoint(path)
    mutant, refused, same = path.with_name("mutant.pth"), 0, 0
    for tally.count in range(1, bench.count(5000, scale) + 1):
        mutant.write_bytes(mutate(whole, random.Random(tally.count)))
        try:
            loaded = read_checkpoint(mutant)
        except CheckpointError:
            refused += 1
            continue
        except BaseException as error:
            tally.expect(False, repr(error))
            continue
        weights = loaded["model_state_dict"]
        equal = all(torch.equal(weights[n], t) for n, t in good["model_state_dict"].items())
        tally.expect(equal and loaded["epoch"] == 1, "loaded with other weights")
        same += 1
    tally.remark = f"{refused} refused, {same} with the very weights (bytes that no tensor uses)"
    return tally
