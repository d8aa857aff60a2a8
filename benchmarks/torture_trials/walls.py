"""Resources that are full, read-only, or somebody else's."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

from torture_trials.bench import Bench, Tally, config, extend, fork, go_on, one_line, wait, wait_until

from glint_unet.data import shared_cache
from glint_unet.runs.checkpoint_file import read_checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.loop import train


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


def full_disk(bench: Bench, tally: Tally) -> None:
    """The disk fills up while a run is writing: the last good state is kept and the run can be resumed."""
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
    fragment = f"process {pid} on"
    tally.expect(status == 2 and fragment in one_line(console), f"second writer: {status} {one_line(console)}")
    os.kill(pid, signal.SIGKILL)
    wait(pid)
    epoch = read_checkpoint(RunDirectory(run).latest)["epoch"]
    status = wait(fork(lambda: extend(run, epoch + 1), console))
    tally.expect(status == 0, f"second writer: take-over ended with {status}: {one_line(console)}")
