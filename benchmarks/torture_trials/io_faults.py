"""Each I/O operation of an epoch's end as the place of a fault."""

import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from torture_trials.bench import Bench, Tally, config, extend, fork, go_on, wait
from torture_trials.survival import check_run

from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training import record
from glint_unet.training.loop import train
from glint_unet.training.verify_resume import compare_runs


def io_points(bench: Bench, scale: float) -> Tally:
    """Every I/O operation of one epoch's end as the place of death: SIGKILL, ENOSPC, EIO."""
    tally = Tally("every I/O operation of one epoch's end: SIGKILL, ENOSPC, EIO", "0 inconsistent directories")
    template, reference = bench.root / "io_template", bench.root / "io_reference"
    console = bench.root / "io.txt"
    wait(fork(lambda: train(config(bench, template, epochs=4, cooldown=0.0)), console))
    wait(fork(lambda: train(config(bench, reference, epochs=6, cooldown=0.0)), console))
    num = count_operations(bench, template, console)
    every = max(1, round(1 / scale))
    for kind in ("kill", 28, 5):
        for operation in range(1 + bench.rng.randrange(every), num + 1, every):
            tally.count += 1
            run = bench.root / "io"
            shutil.copytree(template, run)
            best = read_checkpoint(RunDirectory(run).best)["best"]["total"]
            status = wait(fork(lambda run=run, o=operation, k=kind: faulty_epoch(run, o, k, None), console))
            expected = (-signal.SIGKILL,) if kind == "kill" else (2, 0)  # 0: an unlink that may fail
            tally.expect(status in expected, f"{kind} at operation {operation}: status {status}")
            check_run(tally, run, 4, best)
            status = wait(fork(lambda run=run: go_on(run, config(bench, run)), console))
            tally.expect(status == 0, f"{kind} at operation {operation}: the resume ended with {status}")
            status = wait(fork(lambda run=run: extend(run, 6), console))
            differing = compare_runs(reference, run) if status == 0 else [f"status {status}"]
            tally.expect(not differing, f"{kind} at operation {operation}: {differing[:3]}")
            leftovers = [path.name for path in run.rglob(".*.tmp")]
            tally.expect(not leftovers, f"{kind} at operation {operation}: left {leftovers}")
            shutil.rmtree(run)
    tally.remark = f"{num} operations x 3 faults" + (f", every {every}th" if every > 1 else "")
    return tally


def count_operations(bench: Bench, template: Path, console: Path) -> int:
    run, counted = bench.root / "io_count", bench.root / "io_count.txt"
    shutil.copytree(template, run)
    wait(fork(lambda: faulty_epoch(run, 10**9, "kill", counted), console))
    shutil.rmtree(run)
    return int(counted.read_text())


def faulty_epoch(run: Path, operation: int, kind: str | int, count_into: Path | None) -> None:
    """Trains epoch 5 with a fault at the n-th I/O operation of its end."""
    finish, done = record.RunRecord.finish_epoch, [0]
    names = ("open", "write", "fsync", "replace", "rename", "unlink", "close")
    plain = {name: getattr(os, name) for name in names}

    def faulty(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            done[0] += 1
            if done[0] == operation and kind == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            if done[0] == operation and name != "close":
                raise OSError(kind, os.strerror(int(kind)))
            return plain[name](*arguments, **options)

        return call

    def finish_with_fault(self: record.RunRecord, *arguments: Any) -> None:
        for name in names:
            setattr(os, name, faulty(name))
        try:
            finish(self, *arguments)
        finally:
            for name in names:
                setattr(os, name, plain[name])
        if count_into:
            count_into.write_text(str(done[0]))

    record.RunRecord.finish_epoch = finish_with_fault
    extend(run, 5)
