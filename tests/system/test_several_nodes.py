"""One run on several nodes, started by torchrun: real processes, as two machines would run them."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from tests.run_files import log_of, rows, same, weights
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = ["--arch", "unet", "--base_channels", "2", "--batch", "5", "--epochs", "3", "--cooldown", "0"]
SMALL += ["--device", "cpu", "--threads", "1", "--lang", "en", "--no_progress"]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


@pytest.fixture
def torchrun():
    """Starts one node, in a directory of its own; what still runs at the end is killed."""
    started = []

    def start(directory, words, *flags, **options):
        started.append(start_node(directory, words, *flags, **options))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            kill_tree(process)


def start_node(directory, words, *flags, prefix=(), environment=None):
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nnodes", "2", "--nproc_per_node", "1"]
    script = [str(ROOT / "train_glint_unet.py"), *SMALL, *map(str, flags)]
    with (directory / "console.txt").open("ab") as console:
        return subprocess.Popen(
            [*prefix, *launcher, *map(str, words), *script],
            cwd=directory,
            env={**os.environ, "PYTHONPATH": str(ROOT), "TORCH_DISTRIBUTED_DEBUG": "OFF", **(environment or {})},
            stdout=console,
            stderr=console,
        )


def static(port, number):
    return ["--node_rank", number, "--master_addr", "127.0.0.1", "--master_port", port]


def directories(data, tmp_path):
    """A directory for each node, with its own copy of the data set."""
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        shutil.copy(data, tmp_path / name / "eyes.h5")
    return tmp_path / "first", tmp_path / "second"


def finished_well(*nodes):
    for directory, process in nodes:
        assert process.wait() == 0, (directory / "console.txt").read_text()


def kill_tree(process):
    """SIGKILL to a launcher and its processes, as if the machine had lost its power."""
    family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
    for member in family:
        member.send_signal(signal.SIGKILL)
    process.wait()


@pytest.fixture(scope="module")
def undisturbed(data, tmp_path_factory):
    """The same run by two processes on one machine."""
    run = tmp_path_factory.mktemp("one_machine") / "run"
    words = [sys.executable, "train_glint_unet.py", "--h5", str(data), "--output_dir", str(run), *SMALL]
    done = subprocess.run([*words, "--processes", "2"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return run


@pytest.mark.slow
def test_two_nodes_that_share_no_files_train_the_run_of_two_processes(undisturbed, torchrun, data, tmp_path):
    nodes, port = directories(data, tmp_path), free_port()
    flags = ["--h5", "eyes.h5", "--output_dir", "run"]
    finished_well(*[(node, torchrun(node, static(port, k), *flags)) for k, node in enumerate(nodes)])
    first, second = nodes
    assert rows(first / "run") == rows(undisturbed)
    last = "run/latest_checkpoint.pth"
    assert same(weights(first / last), weights(undisturbed / "latest_checkpoint.pth"))
    assert not (second / "run").exists()


@pytest.mark.slow
def test_a_resume_needs_the_run_directory_on_the_first_node_only(torchrun, data, tmp_path):
    nodes = directories(data, tmp_path)
    for resume in ([], ["--resume", "auto", "--epochs", 4]):
        flags, port = ["--h5", "eyes.h5", "--output_dir", "run", *resume], free_port()
        finished_well(*[(node, torchrun(node, static(port, k), *flags)) for k, node in enumerate(nodes)])
    assert [row["epoch"] for row in rows(nodes[0] / "run")] == [1, 2, 3, 4]
    assert not (nodes[1] / "run").exists()


@pytest.mark.slow
def test_nodes_with_different_data_are_refused(torchrun, data, tmp_path):
    first, second = directories(data, tmp_path)
    (second / "eyes.h5").write_bytes((second / "eyes.h5").read_bytes() + b"\0")
    port, flags = free_port(), ["--h5", "eyes.h5", "--output_dir", "run"]
    processes = [torchrun(node, static(port, k), *flags) for k, node in enumerate((first, second))]
    assert all(process.wait() for process in processes)
    assert "every node needs the same data set" in (second / "console.txt").read_text()
    assert not (first / "run" / "latest_checkpoint.pth").exists()


@pytest.fixture
def hosts():
    """Two network namespaces joined by a cable: (prefix of commands, address, environment) of each."""
    if os.geteuid() or shutil.which("ip") is None:
        pytest.skip("network namespaces need root and the command ip")
    names = [f"glint{os.getpid()}{side}" for side in "ab"]
    addresses = ["10.177.0.1", "10.177.0.2"]

    def ip(*words):
        subprocess.run(["ip", *words], check=True)

    try:
        for name in names:
            ip("netns", "add", name)
        ip("link", "add", "glint_a", "netns", names[0], "type", "veth", "peer", "name", "glint_b", "netns", names[1])
        for name, address, device in zip(names, addresses, ("glint_a", "glint_b"), strict=True):
            ip("-n", name, "address", "add", f"{address}/24", "dev", device)
            ip("-n", name, "link", "set", device, "up")
            ip("-n", name, "link", "set", "lo", "up")
        # with a shared store, PyTorch 2.13 does not announce its address to a node that comes back
        own_store = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
        yield [
            (["ip", "netns", "exec", name], address, {"GLOO_SOCKET_IFNAME": device, **own_store})
            for name, address, device in zip(names, addresses, ("glint_a", "glint_b"), strict=True)
        ]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "delete", name], check=False)


@pytest.mark.slow
def test_a_host_that_is_killed_and_comes_back_continues_the_run(undisturbed, torchrun, data, tmp_path, hosts):
    run, flags = tmp_path / "run", ["--h5", data, "--output_dir", tmp_path / "run"]
    (_, endpoint, _), port = hosts[0], free_port()

    def start(number):
        prefix, address, environment = hosts[number]
        directory = tmp_path / f"node{number}"
        directory.mkdir(exist_ok=True)
        words = ["--rdzv_backend", "c10d", "--rdzv_endpoint", f"{endpoint}:{port}", "--rdzv_id", "eyes"]
        words += ["--max_restarts", "3", "--local_addr", address]
        words += ["--rdzv_conf", f"is_host={int(number == 0)}"]  # names of hosts are not resolved in a namespace
        return directory, torchrun(directory, words, *flags, prefix=prefix, environment=environment)

    first, second = start(0), start(1)
    wait_until((run / "best_model.pth").exists, first[1], second[1])
    kill_tree(second[1])
    again = start(1)
    finished_well(first, again)
    assert rows(run) == rows(undisturbed)
    assert same(weights(run / "latest_checkpoint.pth"), weights(undisturbed / "latest_checkpoint.pth"))
    assert log_of(run).count("Training starts") == 1
    starts = json.loads((run / "provenance.json").read_text())
    assert [start["launch_id"] for start in starts] == ["eyes"] * len(starts)
    assert len(starts) > 1
