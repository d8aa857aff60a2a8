"""What `glint-unet doctor` examines: packages, GPU, shared memory, disk, main memory, CPU threads, weights."""

import contextlib
import os
import platform
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from typing import Literal

from packaging.requirements import Requirement

from glint_unet.errors import GlintError, one_line
from glint_unet.extras import EXTRA_OF, install_command
from glint_unet.messages import text

Status = Literal["ok", "note", "warning", "error"]

_CONTAINER_DEFAULT = 64 * 2**20  # the size of /dev/shm in Docker, if none is given
_LITTLE_SHARED_MEMORY = 256 * 2**20
_LITTLE_DISK = 2**30
_LITTLE_MEMORY = 2 * 2**30
_CGROUP_LIMITS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


@dataclass(frozen=True)
class Finding:
    """One result of an examination.

    Attributes:
        topic: what was examined: python, packages, extras, gpu, shared_memory, disk, locks, memory, threads, weights.
        status: 'ok'; 'note', nothing is wrong; 'warning', it works but slowly or not for long; 'error', commands fail.
        found: what was found, one line in the current language.
        advice: what to do; empty if nothing needs to be done.
    """

    topic: str
    status: Status
    found: str
    advice: str = ""


def examine_machine(directory: Path) -> Iterator[Finding]:
    """Examines this machine, and the directory in which runs are to be written; yields results one by one."""
    yield from _python_and_packages()
    yield from directory_findings(directory)
    yield memory_finding(available_memory())
    yield weights_finding()
    if _version_of("torch") is not None:
        yield from _with_torch()


def _with_torch() -> Iterator[Finding]:
    try:
        import torch
    except (ImportError, OSError) as error:  # a library that does not load, such as libcudart.so
        advice = text("doctor_install", command=install_command(None))
        yield Finding("packages", "error", text("doctor_no_import", name="torch", reason=one_line(error)), advice)
        return
    gpus, driver = _gpus_of_driver()
    usable = torch.cuda.device_count() if torch.cuda.is_available() else 0
    yield gpu_finding(gpus, driver, torch.version.cuda, usable)
    from glint_unet.compute.threads import choose_threads

    threads = choose_threads()
    cpus = threads.cpus if threads.is_measured else os.cpu_count() or 1
    yield threads_finding(threads.num, threads.available, cpus, given=not threads.is_measured)
    yield shared_memory_finding(*_size_of_shared_memory())


def _python_and_packages() -> Iterator[Finding]:
    versions = {"version": platform.python_version(), "system": platform.platform(), "path": sys.executable}
    yield Finding("python", "ok", text("doctor_python", **versions))
    try:
        wanted = [Requirement(line) for line in metadata.requires("glint-unet") or []]
    except metadata.PackageNotFoundError:  # run from a checkout that is on the path, but not installed
        advice = text("doctor_install", command=install_command(None))
        yield Finding("packages", "warning", text("doctor_itself_not_installed"), advice)
    else:
        required = [one for one in wanted if one.marker is None or one.marker.evaluate({"extra": ""})]
        yield packages_finding([(str(one), _version_of(one.name)) for one in required])
    missing = sorted({extra for module, extra in EXTRA_OF.items() if find_spec(module) is None})
    if missing:
        advice = text("doctor_install_if_needed", command=install_command(",".join(missing)))
        yield Finding("extras", "note", text("doctor_extras_missing", names=", ".join(missing)), advice)
    else:
        yield Finding("extras", "ok", text("doctor_extras_all"))


def packages_finding(installed: list[tuple[str, str | None]]) -> Finding:
    """Judges the required packages.

    Args:
        installed: requirement (`torch<3,>=2.10`) and installed version of each; None: not installed.
    """
    missing = text("doctor_not_installed")
    wrong = [
        f"{line} ({version or missing})"
        for line, version in installed
        if version is None or not Requirement(line).specifier.contains(version, prereleases=True)
    ]
    if wrong:
        advice = text("doctor_install", command=install_command(None))
        return Finding("packages", "error", text("doctor_packages_wrong", names=", ".join(wrong)), advice)
    named = ", ".join(f"{Requirement(line).name} {version}" for line, version in installed)
    return Finding("packages", "ok", named)


def gpu_finding(gpus: list[str], driver: str, cuda: str | None, usable: int) -> Finding:
    """Judges the GPUs.

    Args:
        gpus: names of the GPUs that the NVIDIA driver reports.
        driver: version of the driver; empty without one.
        cuda: CUDA version that PyTorch was built for; None: a build for the CPU.
        usable: number of GPUs that PyTorch can use.
    """
    if usable:
        return Finding("gpu", "ok", text("doctor_gpus", num=usable, names=", ".join(gpus), cuda=cuda or "-"))
    if not gpus:
        return Finding("gpu", "note", text("doctor_no_gpu"))
    if cuda is None:
        return Finding("gpu", "warning", text("doctor_cpu_build", names=", ".join(gpus)), text("doctor_install_cuda"))
    found = text("doctor_gpu_unusable", names=", ".join(gpus), cuda=cuda, driver=driver)
    return Finding("gpu", "warning", found, text("doctor_update_driver"))


def threads_finding(num: int, available: float, cpus: int, *, given: bool) -> Finding:
    """Judges the CPU threads: `num` will be used, `available` of the `cpus` CPUs could be obtained unless `given`."""
    if given and num > cpus:
        found = text("doctor_threads_too_many", num=num, cpus=cpus)
        return Finding("threads", "warning", found, text("doctor_fewer_threads", cpus=cpus))
    if given:
        return Finding("threads", "ok", text("doctor_threads_given", num=num, cpus=cpus))
    found = text("doctor_threads", num=num, available=available, cpus=cpus)
    if available < cpus / 2:
        return Finding("threads", "warning", found, text("doctor_busy"))
    return Finding("threads", "ok", found)


def _size_of_shared_memory() -> tuple[int, int, str]:
    from glint_unet.data.shared_cache import SHARED_MEMORY_ROOT

    if not os.access(SHARED_MEMORY_ROOT, os.W_OK | os.X_OK):
        return 0, 0, str(SHARED_MEMORY_ROOT)
    usage = shutil.disk_usage(SHARED_MEMORY_ROOT)
    return usage.total, usage.free, str(SHARED_MEMORY_ROOT)


def shared_memory_finding(total: int, free: int, path: str) -> Finding:
    """Judges shared memory by its size in bytes (0: missing or not writable) and the free part of it."""
    if not total:
        return Finding("shared_memory", "warning", text("doctor_no_shm", path=path), text("doctor_shm_fallback"))
    found = text("doctor_shm", path=path, total_mb=total / 2**20, free_mb=free / 2**20)
    if total <= _CONTAINER_DEFAULT:
        return Finding("shared_memory", "warning", found, text("doctor_shm_container"))
    if free < _LITTLE_SHARED_MEMORY:
        return Finding("shared_memory", "warning", found, text("doctor_shm_full"))
    return Finding("shared_memory", "ok", found)


def directory_findings(directory: Path) -> Iterator[Finding]:
    """Examines whether runs can be written to a directory: free space, permission, file locks."""
    from glint_unet.files import check_writable

    if not directory.is_dir():
        yield Finding("disk", "error", text("doctor_no_directory", path=directory), text("doctor_make_directory"))
        return
    try:
        check_writable(directory)
    except GlintError as error:
        yield Finding("disk", "error", str(error), text("doctor_other_directory"))
        return
    free = shutil.disk_usage(directory).free
    found = text("doctor_disk", path=directory.resolve(), free_gb=free / 2**30)
    little = free < _LITTLE_DISK
    yield Finding("disk", "warning" if little else "ok", found, text("doctor_disk_full") if little else "")
    yield _locks_finding(directory / f".doctor-{os.getpid()}.lock")


def _locks_finding(probe: Path) -> Finding:
    from glint_unet.files import FileLock

    try:
        lock = FileLock(probe, create=True)
        lock.acquire(wait=False)
        lock.release()
    except OSError as error:
        found = text("doctor_no_locks", reason=one_line(error))
        return Finding("locks", "error", found, text("doctor_other_directory"))
    finally:
        probe.unlink(missing_ok=True)
    return Finding("locks", "ok", text("doctor_locks"))


def available_memory() -> int:
    """Bytes of main memory that this process can still use: of the machine, or of its container if that is less."""
    import psutil

    free = int(psutil.virtual_memory().available)
    for limit, used in _CGROUP_LIMITS:
        with contextlib.suppress(OSError, ValueError):  # not in such a container; no limit ("max")
            free = min(free, int(Path(limit).read_text()) - int(Path(used).read_text()))
    return max(0, free)


def memory_finding(available: int) -> Finding:
    """Judges the main memory by its available bytes."""
    little = available < _LITTLE_MEMORY
    found = text("doctor_memory", free_gb=available / 2**30)
    return Finding("memory", "warning" if little else "ok", found, text("doctor_memory_little") if little else "")


def weights_finding() -> Finding:
    """Examines whether the pretrained weights of the package are intact."""
    from glint_unet.pretrained import pretrained_path

    try:
        pretrained_path()
    except GlintError as error:
        return Finding("weights", "error", str(error), text("doctor_install", command=install_command(None)))
    return Finding("weights", "ok", text("doctor_weights"))


def _gpus_of_driver() -> tuple[list[str], str]:
    """Names of the GPUs that the NVIDIA driver reports, and its version; empty without a driver."""
    import pynvml

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(k) for k in range(pynvml.nvmlDeviceGetCount())]
        names = [str(pynvml.nvmlDeviceGetName(handle)) for handle in handles]
        return names, str(pynvml.nvmlSystemGetDriverVersion())
    except pynvml.NVMLError:
        return [], ""


def _version_of(package: str) -> str | None:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None
