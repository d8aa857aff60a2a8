"""MLflow in its file store and W&B offline: what is on disk afterwards."""

import os
import shutil
import subprocess
from importlib.util import find_spec
from typing import Any

import pytest

from glint_unet.own_command import command_words
from tests.run_files import rows


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
