"""Training processes of known outcome for tests of sweeps: real processes that write metrics.json, and little else.

f1 rises to 1 - |lr - 0.003| / 0.003, plus a hundredth of the seed. With `--loss=dice` they fail, with `--loss=bce` they
are killed; with `--loss=focal` or a tiny `--lr` they train until they are stopped, and when resumed, to the end.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from glint_unet.experiments.sweep_engine import LocalProcess

SCRIPT = """
import json, os, pathlib, signal, sys, time
flags = dict(word[2:].partition("=")[::2] for word in sys.argv[1:])
run = pathlib.Path(flags.get("resume") or flags["output_dir"])
run.mkdir(parents=True, exist_ok=True)
record, metrics = run / "flags.json", run / "metrics.json"
is_resumed = "resume" in flags
flags = {**json.loads(record.read_text()), **flags} if is_resumed else flags
record.write_text(json.dumps(flags))
(run / "latest_checkpoint.pth").touch()
with (run.parent / "starts.txt").open("a") as starts:
    starts.write(f"{run.name} {'resumed' if is_resumed else 'new'}\\n")
if flags["loss"] == "dice":
    print("first line")
    sys.exit("no such thing: correct it")
if flags["loss"] == "bce":
    os.kill(os.getpid(), signal.SIGKILL)
stopped = []
signal.signal(signal.SIGTERM, lambda *_: stopped.append(True))
final = 1 - abs(float(flags["lr"]) - 0.003) / 0.003 + int(flags["seed"]) / 100
rows = json.loads(metrics.read_text()) if is_resumed and metrics.exists() else []
is_endless = (flags["loss"] == "focal" or float(flags["lr"]) < 5e-4) and not is_resumed
parent = os.getppid()
while is_endless or len(rows) < int(flags["epochs"]):
    time.sleep(0.02)
    if stopped or os.getppid() != parent:
        sys.exit(128 + signal.SIGTERM)
    epoch = len(rows) + 1
    value = final * min(epoch, 3) / 3
    rows.append({"epoch": epoch, "val": {"f1": value, "total": 1 - value, "px_error": None}, "epoch_time": 0.02})
    unfinished = run / "metrics.tmp"
    unfinished.write_text(json.dumps(rows))
    unfinished.replace(metrics)
"""


class ScriptedEngine:
    """An engine whose processes run `SCRIPT`."""

    def start(self, flags: Sequence[str], console: Path) -> LocalProcess:
        """See `Engine`."""
        with console.open("ab") as output:
            words = [sys.executable, "-c", SCRIPT, *flags]
            return LocalProcess(subprocess.Popen(words, stdout=output, stderr=output, process_group=0))
