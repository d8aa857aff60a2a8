"""Trainings that are killed or stopped at random instants."""

import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

from torture_trials.bench import Bench, Tally, config, fork, go_on, running, stamp, wait, wait_until
from torture_trials.survival import acknowledgements, check_run, last_acknowledged

from glint_unet.data import shared_cache
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.loop import train
from glint_unet.training.verify_resume import compare_runs

LOSSES: list[dict[str, Any]] = [
    {"loss": "focal"},
    {"loss": "bce"},
    {"loss": "dice"},
    {"loss": "hybrid", "lam_bce": 1.0, "div_mode": "kl"},
]
SOURCES: list[dict[str, Any]] = [
    {},
    {"preload": False, "num_workers": 0},
    {"preload": False, "num_workers": 2},
    {"shared_memory": True},
]


def kills(bench: Bench, scale: float) -> Tally:
    """SIGKILL at a random instant of training with a save after every step."""
    tally = Tally("SIGKILL at a random instant, saves back to back; load latest and best", "0 torn, 0 epochs lost")
    run, acked, best = bench.root / "kills", 0, float("inf")
    settings = config(bench, run, epochs=10**6, save_every_minutes=1e-9)
    for tally.count in range(1, bench.count(1000, scale) + 1):
        with acknowledgements() as (reader, set_up):
            before = stamp(RunDirectory(run).latest)
            pid = fork(lambda set_up=set_up: (set_up(), go_on(run, settings)), bench.root / "kills.txt")
            wait_until(lambda before=before: stamp(RunDirectory(run).latest) != before, pid)
            time.sleep(bench.rng.uniform(0, 0.25))
            os.kill(pid, signal.SIGKILL)
            tally.expect(wait(pid) == -signal.SIGKILL, "the training had ended by itself")
            acked = last_acknowledged(reader, acked)
        best = check_run(tally, run, acked, best)
        # the next training begins with it, although a kill may have come before its acknowledgement
        acked = read_checkpoint(RunDirectory(run).latest)["epoch"]
    tally.remark = f"the one run reached epoch {acked}"
    return tally


OF_A_SOURCE = ("/preload", "/num_workers", "/shared_memory")


def exact(bench: Bench, scale: float) -> Tally:
    """SIGKILL, resume, run to the end, compare with the run that nobody interrupted: every loss, every source."""
    tally = Tally("SIGKILL, resume, run to the end; compare with the undisturbed run (CPU)", "all identical")
    num_kills = 0
    undisturbed: dict[int, Path] = {}
    for tally.count in range(1, bench.count(50, scale) + 1):
        loss, source = tally.count % len(LOSSES), tally.count // len(LOSSES) % len(SOURCES)
        settings: dict[str, Any] = {"epochs": 4, **LOSSES[loss]}
        if loss not in undisturbed:
            undisturbed[loss] = bench.root / f"exact_reference_{loss}"
            reference = config(bench, undisturbed[loss], **settings)
            wait(fork(lambda reference=reference: train(reference), bench.root / "exact.txt"))
        run = bench.root / "exact"
        disturbed = config(bench, run, **settings, **SOURCES[source], save_every_minutes=1e-9)
        for _ in range(bench.rng.randint(1, 3)):
            before = stamp(RunDirectory(run).latest)
            pid = fork(lambda run=run, disturbed=disturbed: go_on(run, disturbed), bench.root / "exact.txt")
            wait_until(lambda before=before, run=run: stamp(RunDirectory(run).latest) != before, pid)
            time.sleep(bench.rng.uniform(0, 0.6))
            if running(pid):
                os.kill(pid, signal.SIGKILL)
                num_kills += 1
            wait(pid)
        status = wait(fork(lambda run=run, disturbed=disturbed: go_on(run, disturbed), bench.root / "exact.txt"))
        tally.expect(status == 0, f"the last resume ended with {status}")
        differing = [d for d in compare_runs(undisturbed[loss], run) if not d.endswith(OF_A_SOURCE)]
        tally.expect(not differing, f"{LOSSES[loss]} {SOURCES[source]}: {differing[:3]}")
        shutil.rmtree(run)
    shared_cache.SharedMemoryDatasetCache.cleanup(bench.data)
    tally.remark = f"{num_kills} kills, {len(LOSSES)} losses, {len(SOURCES)} ways to read the data"
    return tally


def terms(bench: Bench, scale: float) -> Tally:
    """SIGTERM at a random instant: a checkpoint, status 143, and the same end after a resume."""
    tally = Tally("SIGTERM at a random instant", "saved, exit 143, identical")
    reference, console = bench.root / "term_reference", bench.root / "term.txt"
    slowest, num_late = 0.0, 0
    wait(fork(lambda: train(config(bench, reference, epochs=6)), console))
    for tally.count in range(1, bench.count(50, scale) + 1):
        run = bench.root / "term"
        pid = fork(lambda run=run: train(config(bench, run, epochs=6)), console)
        wait_until(RunDirectory(run).latest.exists, pid)
        time.sleep(bench.rng.uniform(0, 0.4))
        sent = time.monotonic()
        os.kill(pid, signal.SIGTERM)
        status = wait(pid)
        slowest = max(slowest, time.monotonic() - sent)
        log = RunDirectory(run).log.read_text(encoding="utf-8")
        late = "Training finished" in log  # it came after the last epoch was saved: there is nothing to continue with
        num_late += late
        tally.expect(status == (0 if late else 143), f"status {status}")
        if not late:
            tally.expect("To resume: python train_glint_unet.py --resume" in log, "the log names no command")
        status = wait(fork(lambda run=run: go_on(run, config(bench, run)), console))
        tally.expect(status == 0, f"the resume ended with {status}")
        differing = compare_runs(reference, run)
        tally.expect(not differing, f"{differing[:3]}")
        shutil.rmtree(run)
    tally.remark = f"slowest exit {slowest:.2f} s after the signal; {num_late} came when all was done: exit 0"
    return tally
