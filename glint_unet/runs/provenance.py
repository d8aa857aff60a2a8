"""provenance.json: what is needed to know how a run was made, one entry for every start and resume."""

import hashlib
import os
import platform
import socket
import subprocess
import time
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from glint_unet.compute.group import Group
from glint_unet.files import write_json
from glint_unet.runs.json_file import as_dicts, read_json
from glint_unet.runs.run_directory import RunDirectory

_PACKAGES = ("torch", "numpy", "h5py")
_PACKAGE_ROOT = Path(__file__).resolve().parent.parent.parent
_GIT_TIMEOUT_S = 10
_MOST_CHANGED_FILES = 50


@dataclass(frozen=True)
class Provenance:
    """One start of a run.

    Attributes:
        time: local time, e.g. 2025-11-06 14:30:22.
        command: the command line, quoted for a shell; empty if Python code called `train`.
        working_directory: what relative paths of the settings refer to.
        epoch: epochs completed before this start.
        changes: log lines on the settings that this resume changed.
        device: the compute device.
        processes: size of the process group.
        launch_id: identifies the job of a launcher that restarts lost processes; empty if there is none.
        host, pid: the machine and the process.
        versions: of Python, this package, torch, numpy and h5py, and the operating system.
        git: state of the checkout that contains the package (`git_state`); None if it was installed from a wheel.
    """

    time: str
    command: str
    working_directory: str
    epoch: int
    changes: list[str]
    device: str
    processes: int
    launch_id: str
    host: str
    pid: int
    versions: dict[str, str]
    git: dict[str, Any] | None

    @classmethod
    def of_this_process(cls, command: str, epoch: int, changes: list[str], device: str, group: Group) -> "Provenance":
        """Describes this process; arguments as the attributes."""
        return cls(
            time=time.strftime("%Y-%m-%d %H:%M:%S"),
            command=command,
            working_directory=str(Path.cwd()),
            epoch=epoch,
            changes=changes,
            device=device,
            processes=group.size,
            launch_id=group.launch_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            versions=current_versions(),
            git=git_state(_PACKAGE_ROOT),
        )

    def append(self, run: RunDirectory) -> None:
        """Adds this start to provenance.json; a damaged file is replaced. Raises as `write_json` does."""
        write_json(run.provenance, [*as_dicts(read_json(run.provenance)), asdict(self)])


def current_versions() -> dict[str, str]:
    """The versions of Python, this package, torch, numpy and h5py, and the operating system."""
    found = {"python": platform.python_version(), "glint_unet": import_module("glint_unet").__version__}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # on the path, but not installed
            found[package] = "?"
    return found | {"system": platform.platform()}


def git_state(root: Path = _PACKAGE_ROOT) -> dict[str, Any] | None:
    """The state of a git checkout.

    Args:
        root: its top directory; by default the one that contains this package.

    Returns:
        commit: hash of the current commit.
        branch: its branch; HEAD if none is checked out.
        changed_files: tracked files with uncommitted changes, at most 50.
        diff_md5: MD5 of these changes; None if there are none.

        None if `root` is not a checkout, or git is missing or refuses to read it.
    """
    if not (root / ".git").exists():
        return None
    try:
        commit, branch = _git(root, "rev-parse", "HEAD", "--abbrev-ref", "HEAD").decode(errors="replace").split()
        diff = _git(root, "diff", "HEAD", "--no-ext-diff", "--binary")
        names = _git(root, "diff", "HEAD", "--name-only", "-z").decode(errors="replace").split("\0") if diff else []
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return {
        "commit": commit,
        "branch": branch,
        "changed_files": [name for name in names if name][:_MOST_CHANGED_FILES],
        "diff_md5": hashlib.md5(diff).hexdigest() if diff else None,
    }


def _git(root: Path, *words: str) -> bytes:
    command = ["git", "--no-optional-locks", "-C", str(root), *words]
    return subprocess.run(command, check=True, capture_output=True, timeout=_GIT_TIMEOUT_S).stdout
