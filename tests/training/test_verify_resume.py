"""`verify-resume` counts the kills that hit."""

import json
import re
from pathlib import Path

from glint_unet.training.verify_resume import compare_runs
from tests.run_files import settings


def test_each_kill_that_is_printed_hit_a_running_training(command, data, tmp_path):
    small = ["--", "--base_channels", 2, "--device", "cpu"]
    words = ["--h5", data, "--epochs", 1, "--kills", 3, "--lang", "en"]
    status, out, err = command("verify-resume", *words, "--work_dir", tmp_path / "work", *small)
    assert (status, err) == (0, "")
    num_killed = len(re.findall("^Kill ", out, re.MULTILINE))
    assert f"killed {num_killed} times and resumed" in out
    assert num_killed == 3 or f"ended before kill {num_killed + 1} of 3" in out
    assert "1 epochs" not in out
    for name in ("undisturbed", "disturbed"):  # sums depend on the number of threads, which is chosen once for both
        started = json.loads((tmp_path / "work" / name / "provenance.json").read_text())[0]
        assert "--threads 1" in started["command"]


def test_two_runs_are_compared_by_all_that_counts(data, tmp_path):
    from glint_unet.training.loop import train

    runs: list[Path] = []
    for name, changes in {"a": {}, "b": {}, "c": {"seed": 1}}.items():
        runs.append(tmp_path / name)
        train(settings(data, runs[-1], epochs=1, **changes))
    assert compare_runs(runs[0], runs[1]) == []
    differing = "\n".join(compare_runs(runs[0], runs[2]))
    for part in ("model_state_dict", "optimizer_state_dict", "ema_state_dict", "split", "metrics", "train_args/seed"):
        assert part in differing
