"""Several processes that make, use and remove one shared copy."""

import os
import signal
import time

import h5py
import numpy as np
from torture_trials.bench import Bench, Tally, fork, wait

from glint_unet.data import shared_cache


def cache_races(bench: Bench, scale: float) -> Tally:
    """Four processes at once; and a creator killed at a random instant."""
    tally = Tally("4 processes create and attach at once; creator killed at random", "0 wrong, 1 creator, 0 leftovers")
    path, root = bench.root / "race.h5", bench.root / "race_shm"
    root.mkdir()
    content = np.random.default_rng(0).integers(0, 255, (64, 256, 256), dtype=np.uint8)
    with h5py.File(path, "w") as file:
        file["images"] = content
        file["heatmaps"] = np.zeros((64, 1, 64, 64), np.float16)
    time.sleep(2.1)  # so that its identity is trusted
    shared_cache.SHARED_MEMORY_ROOT = root
    console, cache = bench.root / "race.txt", shared_cache.SharedMemoryDatasetCache

    def attach(gate: int, answer: int) -> None:
        os.read(gate, 1)
        handle, array, is_new = cache.try_attach_or_create(path, "images")
        os.write(answer, b"%d%d" % (is_new, np.array_equal(array, content)))
        handle.close()

    for tally.count in range(1, bench.count(200, scale) + 1):
        gate_reader, gate = os.pipe()
        reader, answer = os.pipe()
        pids = [fork(lambda g=gate_reader, a=answer: attach(g, a), console) for _ in range(4)]
        os.write(gate, b"go!!")
        statuses = [wait(pid) for pid in pids]
        received = os.read(reader, 100).decode()
        tally.expect(statuses == [0] * 4, f"statuses {statuses}")
        tally.expect(sorted(received[0::2]) == list("0001") and set(received[1::2]) == {"1"}, f"answers {received}")
        cache.cleanup_all()
        left = [p.name for p in root.rglob("*") if p.is_file() and p.name != ".lock"]
        tally.expect(not left, f"left {left}")
        for descriptor in (gate_reader, gate, reader, answer):
            os.close(descriptor)
    races = tally.count
    for tally.count in range(races + 1, 2 * races + 1):
        pid = fork(lambda: cache.try_attach_or_create(path, "images"), console)
        time.sleep(bench.rng.uniform(0, 0.03))
        os.kill(pid, signal.SIGKILL)
        wait(pid)
        handle, array, _ = cache.try_attach_or_create(path, "images")
        tally.expect(bool(np.array_equal(array, content)), "wrong bytes after the creator was killed")
        tally.expect(not list(root.rglob("*.tmp")), "a half copy stayed")
        handle.close()
        cache.cleanup_all()
    tally.remark = f"{races} + {races}"
    return tally
