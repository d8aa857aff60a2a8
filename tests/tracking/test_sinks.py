"""MLflow in its file store and W&B offline: what is on disk afterwards."""

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from importlib.util import find_spec
from typing import Any

import pytest

from glint_unet.own_command import command_words
from tests.run_files import rows
from tests.waiting import wait_until


@pytest.fixture(scope="module")
def tracked(finished, tmp_path_factory):
    """A finished run that was sent to both by the command, and what the command printed."""
    missing = [name for name in ("mlflow", "wandb") if find_spec(name) is None]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)}")
    run = tmp_path_factory.mktemp("tracked") / "run"
    shutil.copytree(finished, run)
    words = command_words(["track", str(run), "--tracker", "mlflow,wandb", "--lang", "en"])
    unset = ("WANDB_MODE", "MLFLOW_TRACKING_URI")
    environment = {name: value for name, value in os.environ.items() if name not in unset}
    ended = subprocess.run(words, cwd=run.parent, env=environment, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return run, ended.stdout


def test_mlflow_has_every_epoch_the_settings_and_the_pictures(tracked):
    run, out = tracked
    assert f"{run}: sent to mlflow, wandb" in out
    (values,) = run.parent.glob("mlruns/*/*/metrics/val/total")
    sent: list[Any] = [(int(step), float(value)) for _, value, step in map(str.split, values.read_text().splitlines())]
    assert sent == [(row["epoch"], pytest.approx(row["val"]["total"])) for row in rows(run)]
    its_run = values.parent.parent.parent
    assert (its_run / "params" / "base_channels").read_text() == "2"
    assert {path.name for path in (its_run / "artifacts").iterdir()} == {"results.png", "predictions.png", "worst.png"}
    assert "status: 3" in (its_run / "meta.yaml").read_text()  # FINISHED


def test_wandb_is_offline_and_has_the_metrics(tracked):
    run, _ = tracked
    (log,) = run.glob("wandb/offline-run-*/run-*.wandb")
    content = log.read_bytes()
    for name in (b"val/f1", b"base_channels", b"results"):
        assert name in content


@pytest.fixture
def server(tmp_path):
    """The address of a real `mlflow server` with a file store."""
    missing = [name for name in ("mlflow", "flask", "graphene", "huey", "aiohttp", "pandas") if find_spec(name) is None]
    if missing:
        pytest.skip(f"mlflow server is not installed: {', '.join(missing)}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    store = [
        "--backend-store-uri",
        (tmp_path / "store").as_uri(),
        "--artifacts-destination",
        str(tmp_path / "artifacts"),
    ]
    words = [
        sys.executable,
        "-m",
        "mlflow",
        "server",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        *store,
    ]
    environment = {**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true", "MLFLOW_DISABLE_TELEMETRY": "true"}
    process = subprocess.Popen(words, cwd=tmp_path, env=environment, start_new_session=True)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/health"), process)
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 9)
        process.wait()


def answers(address):
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.status == 200
    except (urllib.error.URLError, ConnectionError):
        return False


def ask(address, **values):
    """The answer of the server's REST interface; with values, to a POST."""
    content = json.dumps(values).encode() if values else None
    request = urllib.request.Request(address, content, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


@pytest.mark.slow
def test_a_real_server_has_every_epoch(server, finished, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(finished, run)
    words = command_words(["track", str(run), "--tracker", "mlflow", "--lang", "en"])
    subprocess.run(words, env={**os.environ, "MLFLOW_TRACKING_URI": server}, check=True)
    rest = f"{server}/api/2.0/mlflow"
    experiment = ask(f"{rest}/experiments/get-by-name?experiment_name=glint-unet")["experiment"]["experiment_id"]
    (sent,) = ask(f"{rest}/runs/search", experiment_ids=[experiment])["runs"]
    assert sent["info"]["status"] == "FINISHED"
    history = ask(f"{rest}/metrics/get-history?run_id={sent['info']['run_id']}&metric_key=val/total")["metrics"]
    expected = {row["epoch"]: pytest.approx(row["val"]["total"]) for row in rows(run)}
    assert {metric["step"]: metric["value"] for metric in history} == expected
