"""Power cuts: the disk as it is at an instant, mounted elsewhere."""

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from torture_trials.bench import Bench, Tally, config, fork, go_on, wait, wait_until
from torture_trials.survival import acknowledgements, check_run, last_acknowledged

from glint_unet import files


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
