"""Kill, starve and corrupt the system in every way that docs/faults.md lists, and count what was lost.

    python benchmarks/torture.py [--scale 1.0] [--only kills,exact,...] [--seed 0]

`--scale 1` is the full table (about an hour on 2 cores); `make test` runs a short form. Trials run in forks of
this process, which has imported everything already: real processes, really killed, without the start-up.
A trial is counted as failed with the reason; the status is 1 where any failed. Where the machine does not allow a trial
(loop mounts and small file systems need root), the table says so instead of a count.
"""

import argparse
import contextlib
import json
import os
import platform
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import torch
from fuzz import fuzz

from glint_unet import files
from glint_unet.compute.stop_signals import Interrupted
from glint_unet.config import TrainConfig
from glint_unet.data import shared_cache, validation
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.sources import MemorySource
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import CheckpointError, GlintError
from glint_unet.messages import set_language
from glint_unet.model.unet import UNet
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.checkpoint_manager import CheckpointManager
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training import record
from glint_unet.training.loop import train
from glint_unet.training.verify_resume import compare_runs

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"
SMALL: dict[str, Any] = {
    "base_channels": 2,
    "progress": False,
    "lang": "en",
    "device": "cpu",
    "save_freq": 1,
    "keep_last_n": 3,
}
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


@dataclass
class Tally:
    """One row of the table."""

    name: str
    allowed: str
    count: int = 0
    failures: list[str] = field(default_factory=list)
    remark: str = ""

    def expect(self, condition: bool, reason: str) -> None:
        if not condition:
            self.failures.append(f"trial {self.count}: {reason}")


@dataclass
class Bench:
    """Where trials happen: a directory, a small data set, and a source of chance."""

    root: Path
    rng: random.Random
    data: Path

    def count(self, full: int, scale: float) -> int:
        return max(2, round(full * scale))


def fork(work: Callable[[], object], console: Path) -> int:
    """Runs `work` in a child; its exit status is the command's: 0, 2 for a mistake, 128 + signal."""
    pid = os.fork()
    if pid:
        return pid
    status = 1
    try:
        descriptor = os.open(console, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, 1)
        os.dup2(descriptor, 2)
        torch.set_num_threads(1)
        work()
        status = 0
    except Interrupted as interrupted:
        status = 128 + interrupted.signal_number
    except GlintError as error:
        print(error, flush=True)
        status = 2
    except BaseException as error:
        os.write(2, repr(error).encode())
    finally:
        os._exit(status)


def wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def running(pid: int) -> bool:
    return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None


def wait_until(condition: Callable[[], bool], pid: int, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition() and running(pid) and time.monotonic() < end:
        time.sleep(0.002)


def stamp(path: Path) -> int:
    return path.stat().st_mtime_ns if path.exists() else 0


def go_on(run: Path, fresh: TrainConfig) -> None:
    """Starts the run, or resumes it if there is anything to resume."""
    if RunDirectory(run).latest.exists():
        point = find_resume_point(str(run), None)
        fresh = TrainConfig(**{**point.config.to_dict(), "resume": str(run)})
    train(fresh)


def config(bench: Bench, run: Path, **changes: object) -> TrainConfig:
    return TrainConfig(**{"h5": str(bench.data), "output_dir": str(run), **SMALL, **changes})


@contextlib.contextmanager
def acknowledgements() -> Iterator[tuple[int, Callable[[], None]]]:
    """A pipe on which a child says each epoch whose end has returned: (read end, the child's set-up)."""
    reader, writer = os.pipe()
    os.set_blocking(reader, False)
    finish = record.RunRecord.finish_epoch

    def set_up() -> None:
        def acknowledged(self: record.RunRecord, *arguments: Any) -> None:
            finish(self, *arguments)
            os.write(writer, f"{self._state.epoch}\n".encode())

        record.RunRecord.finish_epoch = acknowledged

    try:
        yield reader, set_up
    finally:
        os.close(reader)
        os.close(writer)


def last_acknowledged(reader: int, before: int) -> int:
    said = b""
    with contextlib.suppress(BlockingIOError):
        while chunk := os.read(reader, 65536):
            said += chunk
    lines = said.split()
    return int(lines[-1]) if lines else before


def check_run(tally: Tally, run: Path, acked: int, best_before: float, *, latest_is_newest: bool = True) -> float:
    """A run directory after a death: nothing torn, nothing acknowledged lost. Returns the best total."""
    directory = RunDirectory(run)
    try:
        latest = read_checkpoint(directory.latest)
        tally.expect(latest["epoch"] >= acked, f"epoch {acked} was acknowledged, latest has {latest['epoch']}")
        tally.expect(latest["epoch"] <= acked + 1 or not latest_is_newest, f"{latest['epoch']} after {acked}")
        rows = json.loads(directory.metrics.read_text()) if directory.metrics.exists() else []
        epochs = [row["epoch"] for row in rows]
        tally.expect(epochs == list(range(1, len(epochs) + 1)), f"metrics rows {epochs[-5:]}")
        tally.expect(len(epochs) >= acked, f"{len(epochs)} rows after epoch {acked} was acknowledged")
        if not directory.best.exists():
            tally.expect(best_before == float("inf") and latest["best"]["epoch"] == 0, "no best model")
            return best_before
        best: float = read_checkpoint(directory.best)["best"]["total"]
        tally.expect(best <= best_before, f"best {best_before} was replaced by {best}")
        return best
    except (GlintError, ValueError, KeyError) as error:
        tally.expect(False, f"torn: {error!r}")
        return best_before


def kills(bench: Bench, scale: float) -> Tally:
    """SIGKILL at a random instant of training with a save after every step."""
    tally = Tally("SIGKILL at a random instant, saves back to back; load latest and best", "0 torn, 0 epochs lost")
    run, acked, best, saved = bench.root / "kills", 0, float("inf"), 0
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
        saved = read_checkpoint(RunDirectory(run).latest)["epoch"]
    tally.remark = f"the one run reached epoch {saved}"
    return tally


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


OF_A_SOURCE = ("/preload", "/num_workers", "/shared_memory")


def power(bench: Bench, scale: float) -> Tally:
    """A power cut: the disk as it is while the writer is stopped, mounted elsewhere."""
    tally = Tally("simulated power cut around saves (ext4 on a loop device)", "0 lost")
    trials = bench.count(40, scale)
    try:
        with loop_disk(bench.root / "power") as disk:
            power_cuts(bench, tally, disk, trials, {})
        with loop_disk(bench.root / "power_control") as disk:
            control = Tally("control", "")
            power_cuts(bench, control, disk, max(3, trials // 4), {"_sync": lambda path: None})
    except (subprocess.CalledProcessError, FileNotFoundError) as error:
        tally.remark = f"not possible on this machine: {error}"
        return tally
    tally.remark = f"control without fsync: {len(control.failures)} findings in {control.count} cuts"
    tally.expect(bool(control.failures) or trials < 10, "the control lost nothing: this trial proves nothing")
    return tally


@contextlib.contextmanager
def loop_disk(place: Path) -> Iterator[tuple[Path, Path]]:
    """An ext4 file system in a file: (the file, where it is mounted)."""
    place.mkdir()
    image, mounted = place / "disk.img", place / "mounted"
    mounted.mkdir()
    with image.open("wb") as stream:
        stream.truncate(48 * 2**20)
    quiet: dict[str, Any] = {"check": True, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["mkfs.ext4", "-q", image], **quiet)
    subprocess.run(["mount", "-o", "loop", image, mounted], **quiet)
    try:
        yield image, mounted
    finally:
        subprocess.run(["umount", "-l", mounted], **quiet)


def power_cuts(bench: Bench, tally: Tally, disk: tuple[Path, Path], trials: int, patches: dict[str, Any]) -> None:
    image, mounted = disk
    run, after, copy = mounted / "run", image.parent / "after", image.parent / "copy.img"
    after.mkdir(exist_ok=True)
    settings = config(bench, run, epochs=10**6, save_every_minutes=1e-9)
    acked, best = 0, float("inf")
    with acknowledgements() as (reader, set_up):

        def work() -> None:
            set_up()
            for name, replacement in patches.items():
                setattr(files, name, replacement)
            go_on(run, settings)

        pid = fork(work, bench.root / "power.txt")
        wait_until((run / "best_model.pth").exists, pid)
        for tally.count in range(1, trials + 1):
            time.sleep(bench.rng.uniform(0.05, 0.6))
            os.kill(pid, signal.SIGSTOP)
            acked = last_acknowledged(reader, acked)
            shutil.copyfile(image, copy)
            os.kill(pid, signal.SIGCONT)
            subprocess.run(["mount", "-o", "loop", copy, after], check=True)
            try:
                best = check_run(tally, after / "run", acked, best, latest_is_newest=False)
            finally:
                subprocess.run(["umount", after], check=True)
        os.kill(pid, signal.SIGKILL)
        wait(pid)


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


def extend(run: Path, epochs: int) -> None:
    point = find_resume_point(str(run), None)
    train(TrainConfig(**{**point.config.to_dict(), "resume": str(run), "epochs": epochs}))


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
        late = "Training finished" in log  # it came after the last epoch was saved: there is nothing to go on with
        num_late += late
        tally.expect(status == (0 if late else 143), f"status {status}")
        if not late:
            tally.expect("To go on: python train_glint_unet.py --resume" in log, "the log names no command")
        status = wait(fork(lambda run=run: go_on(run, config(bench, run)), console))
        tally.expect(status == 0, f"the resume ended with {status}")
        differing = compare_runs(reference, run)
        tally.expect(not differing, f"{differing[:3]}")
        shutil.rmtree(run)
    tally.remark = f"slowest exit {slowest:.2f} s after the signal; {num_late} came when all was done: exit 0"
    return tally


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
        said = os.read(reader, 100).decode()
        tally.expect(statuses == [0] * 4, f"statuses {statuses}")
        tally.expect(sorted(said[0::2]) == list("0001") and set(said[1::2]) == {"1"}, f"answers {said}")
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


def walls(bench: Bench, scale: float) -> Tally:
    """Full disk, full shared memory, read-only directory, foreign segment, second writer."""
    tally = Tally("full disk, full /dev/shm, read-only directory, foreign segment, second writer", "a clear line each")
    for trial in (full_disk, full_shared_memory, read_only_directory, foreign_segment, second_writer):
        tally.count += 1
        try:
            trial(bench, tally)
        except (subprocess.CalledProcessError, FileNotFoundError) as error:
            tally.remark += f"{trial.__name__} is not possible here: {error}. "
    return tally


@contextlib.contextmanager
def small_disk(place: Path, options: str) -> Iterator[Path]:
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", place], check=True)
    try:
        yield place
    finally:
        subprocess.run(["umount", "-l", place], check=True)


def one_line(console: Path) -> str:
    lines = [line for line in console.read_text(encoding="utf-8").splitlines() if line]
    return lines[-1] if lines else ""


def full_disk(bench: Bench, tally: Tally) -> None:
    """The disk fills up while a run is writing: the last good state stays and the run can go on."""
    console = bench.root / "full_disk.txt"
    with small_disk(bench.root / "full", "size=8m") as disk:
        run = disk / "run"
        pid = fork(lambda: train(config(bench, run, epochs=10**4, save_freq=0)), console)
        wait_until((run / "best_model.pth").exists, pid)
        with contextlib.suppress(OSError), (disk / "ballast").open("wb", buffering=0) as ballast:
            while True:
                ballast.write(bytes(4096))
        status = wait(pid)
        tally.expect(status == 2, f"full disk: status {status}")
        tally.expect("MB free" in console.read_text(encoding="utf-8"), f"full disk: {one_line(console)}")
        epoch = read_checkpoint(RunDirectory(run).latest)["epoch"]
        (disk / "ballast").unlink()
        status = wait(fork(lambda: extend(run, epoch + 2), console))
        tally.expect(status == 0, f"full disk: the resume ended with {status}: {one_line(console)}")


def full_shared_memory(bench: Bench, tally: Tally) -> None:
    """No room in /dev/shm nor in the cache directory."""
    console = bench.root / "full_shm.txt"
    with small_disk(bench.root / "shm", "size=8k,mode=1777") as shm:

        def work() -> None:
            shared_cache.SHARED_MEMORY_ROOT = shm
            shared_cache.__dict__["cache_directory"] = lambda: shm
            train(config(bench, bench.root / "full_shm", epochs=1, shared_memory=True))

        tally.expect(wait(fork(work, console)) == 2, "full shared memory: not status 2")
    tally.expect("has room for the shared copy" in one_line(console), f"full shared memory: {one_line(console)}")
    tally.expect(not (bench.root / "full_shm").exists(), "full shared memory: a directory was left")


def read_only_directory(bench: Bench, tally: Tally) -> None:
    console = bench.root / "read_only.txt"
    with small_disk(bench.root / "read_only", "size=1m,ro") as disk:
        status = wait(fork(lambda: train(config(bench, disk / "run", epochs=1)), console))
    tally.expect(status == 2 and "cannot be written" in one_line(console), f"read-only: {one_line(console)}")


def foreign_segment(bench: Bench, tally: Tally) -> None:
    """A copy of the right name that another user planted."""
    console, root = bench.root / "foreign.txt", bench.root / "foreign_shm"
    directory = root / f"glint-{os.getuid()}"
    directory.mkdir(parents=True, mode=0o700)
    name = shared_cache.SharedMemoryDatasetCache.get_shm_name(bench.data, "images")
    (directory / name).write_bytes(bytes(10**5))
    if os.getuid() == 0:
        os.chown(directory / name, 65534, 65534)

    def work() -> None:
        shared_cache.SHARED_MEMORY_ROOT = root
        train(config(bench, bench.root / "foreign", epochs=1, shared_memory=True))

    status = wait(fork(work, console))
    tally.expect(status == 2 and "Shared copy" in one_line(console), f"foreign segment: {one_line(console)}")


def second_writer(bench: Bench, tally: Tally) -> None:
    """Refused while the first lives, also one with loader workers; taken over at once when it was killed."""
    console, run = bench.root / "second.txt", bench.root / "second"
    first = config(bench, run, epochs=10**4, preload=False, num_workers=2)
    pid = fork(lambda: train(first), bench.root / "first.txt")
    wait_until((run / "best_model.pth").exists, pid)
    status = wait(fork(lambda: go_on(run, first), console))
    said = f"process {pid} on"
    tally.expect(status == 2 and said in one_line(console), f"second writer: {status} {one_line(console)}")
    os.kill(pid, signal.SIGKILL)
    wait(pid)
    epoch = read_checkpoint(RunDirectory(run).latest)["epoch"]
    status = wait(fork(lambda: extend(run, epoch + 1), console))
    tally.expect(status == 0, f"second writer: take-over ended with {status}: {one_line(console)}")


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
    torch.optim.Adam([torch.zeros(1)])  # imports a second's worth of torch, once instead of in every child
    set_language("en")
    failed = False
    print(
        f"{platform.platform()}, {os.cpu_count()} cores, Python {platform.python_version()}, torch {torch.__version__}"
    )
    print("| test | count | allowed | failed | remark | seconds |\n|---|---|---|---|---|---|", flush=True)
    for name in arguments.only.split(","):
        with tempfile.TemporaryDirectory(prefix="glint_torture_") as root:
            os.environ["HOME"] = root
            data = Path(root) / "eyes.h5"
            list(write_synthetic(data, Rig.ring(3, image_size=(32, 32), stride=2, level="easy"), num=20, seed=5))
            time.sleep(2.1)  # so that its identity is trusted and it is validated once
            bench = Bench(Path(root), random.Random(f"{name} {arguments.seed}"), data)
            started = time.monotonic()
            tally = TRIALS[name](bench, arguments.scale)
            seconds = time.monotonic() - started
        cells = (tally.name, tally.count, tally.allowed, len(tally.failures), tally.remark, f"{seconds:.0f}")
        print("| " + " | ".join(map(str, cells)) + " |", flush=True)
        print("".join(f"{name}: {failure}\n" for failure in tally.failures[:50]), end="", file=sys.stderr, flush=True)
        failed |= bool(tally.failures)
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
