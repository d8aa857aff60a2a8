"""Validates a data set by reading it from end to end in a child process, once per content.

A corrupt or malicious HDF5 file can crash the HDF5 library, and with it the interpreter, or put it into an endless
loop. The file is therefore first read in a child process, and a file that kills the child is reported as bad. Validated
content is remembered (see `file_identity`), so each file is read only once.
"""

import json
import os
import resource
import selectors
import signal
import subprocess
import time
from pathlib import Path

from glint_unet import errors
from glint_unet.data import dataset_file, dataset_reader
from glint_unet.data.file_identity import key_of_file, recall, remember
from glint_unet.errors import DatasetError, GlintError
from glint_unet.own_command import python_command

_SILENCE_S = 60.0
_TRIES = 3
_MEMORY_BYTES = 8 * 2**30
_PROGRAM = "from glint_unet.data import validation as v; v.run_child({path!r})"


def validate_dataset(path: str | Path, *, again: bool = False) -> None:
    """Checks that every value of a data set can be read and is valid, without risk to this process.

    Args:
        path: the file.
        again: read it even if its content has been validated before.

    Raises:
        DatasetError: the structure or a value violates the format, the file crashes or stalls the HDF5 library, or it
            keeps changing while it is read.
    """
    path = Path(path)
    known = None if again else recall(path)
    if known is not None and known.valid:
        return
    for _ in range(_TRIES):
        key = key_of_file(path)
        _read_in_child(path)
        if remember(path, found_good=key).valid:
            return
    raise DatasetError("dataset_changing", path=path)


def _read_in_child(path: Path) -> None:
    words = python_command(_PROGRAM.format(path=str(path)))
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        try:
            last_words = _listen(child, path)
        finally:
            child.kill()
    if last_words.startswith(b"{"):
        refusal = json.loads(last_words)
        raise getattr(errors, refusal["kind"])(refusal["key"], **refusal["values"])
    if last_words != b"good":
        raise DatasetError("dataset_crashes", path=path, how=_how(child.returncode))


def _listen(child: "subprocess.Popen[bytes]", path: Path) -> bytes:
    """The last line of output of the child, which writes one line per block; raises DatasetError if it stalls."""
    assert child.stdout is not None
    output, heard_at = b"", time.monotonic()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        while True:
            if not selector.select(timeout=1.0):
                if time.monotonic() - heard_at > _SILENCE_S:
                    raise DatasetError("dataset_hangs", path=path, seconds=_SILENCE_S)
                continue
            chunk = os.read(child.stdout.fileno(), 65536)
            if not chunk:
                child.wait()
                return output.rstrip(b"\n").rpartition(b"\n")[2]
            output, heard_at = (output + chunk)[-65536:], time.monotonic()


def _how(status: int | None) -> str:
    return signal.Signals(-status).name if status is not None and status < 0 else f"exit status {status}"


def _read_everything(path: Path) -> None:
    """In the child: reads every value, printing a line per block, then 'good' or the error as JSON."""
    try:
        with dataset_file.open_dataset(path) as (file, info):
            for name in info.array_names:
                for _ in dataset_reader.read_blocks(file, name):
                    print("read", flush=True)
            dataset_reader.read_stems(file, info)
    except GlintError as error:
        values = {
            name: value if isinstance(value, (int, float)) else str(value) for name, value in error.values.items()
        }
        print(json.dumps({"kind": type(error).__name__, "key": error.key, "values": values}), flush=True)
    else:
        print("good", flush=True)


def run_child(path: str) -> None:
    """The entry point of the child process."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY_BYTES, _MEMORY_BYTES))
    _read_everything(Path(path))
    os._exit(0)  # a damaged file can even crash the library's clean-up
