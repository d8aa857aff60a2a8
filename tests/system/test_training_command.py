"""The original implementation's commands as a user types them: real processes, really killed."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from glint_unet.cli.main import main
from tests.run_files import log_of, rows
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
SMALL = ("--base_channels", 2, "--device", "cpu", "--threads", 1, "--lang", "zh")
TERMS = " ".join(rf"{name}=-?\d+\.\d{{4}}" for name in ("total", "focal", "bce", "dice", "div", "votes"))
EPOCH = re.compile(
    r"\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\] \n"
    r"Epoch (\d{3}) \(耗时: \d+\.\d\ds, LR: \d\.\d\de-\d\d\):\n"
    rf"  Train: {TERMS}\n"
    rf"  Val:   {TERMS} .*\n"
)


def begin(directory, *argv, **options):
    """Starts training in the background, its console in a file."""
    words = [sys.executable, str(ROOT / "train_glint_unet.py"), *map(str, argv)]
    with (directory / "console.txt").open("ab") as console:
        return subprocess.Popen(words, cwd=directory, stdout=console, stderr=console, **options)


def has_resumed(run, times):
    return log_of(run).count("继续训练: ") == times


def same_weights(a, b):
    first, second = (torch.load(run / "latest_checkpoint.pth") for run in (a, b))
    assert first["epoch"] == second["epoch"]
    assert first["best"] == second["best"]
    weights = all(torch.equal(t, second["model_state_dict"][n]) for n, t in first["model_state_dict"].items())
    moments = zip(
        first["optimizer_state_dict"]["state"].values(), second["optimizer_state_dict"]["state"].values(), strict=True
    )
    return weights and all(torch.equal(x[k], y[k]) for x, y in moments for k in x)


@pytest.fixture(scope="module")
def reference(data, tmp_path_factory):
    """Six epochs that nothing interrupted."""
    run = tmp_path_factory.mktemp("reference") / "run"
    assert main([*map(str, ("train", "--h5", data, "--epochs", 6, "--output_dir", run, *SMALL))]) == 0
    return run


def test_the_plain_command_trains_into_a_new_directory(script, data, tmp_path):
    ended = script("train_glint_unet.py", "--h5", data, "--epochs", 2, *SMALL)
    assert ended.returncode == 0, ended.stderr
    (run,) = (tmp_path / "runs").iterdir()
    assert re.fullmatch(r"train_\d{8}_\d{6}", run.name)
    log = (run / "training.log").read_text(encoding="utf-8")
    assert EPOCH.findall(log) == ["001", "002"]
    assert "开始训练\n" in log
    assert f"输出目录: runs/{run.name}\n" in log
    assert f"数据集: {data}\n" in log
    assert "训练集样本数: 18, 验证集样本数: 2\n" in log
    assert re.search(r"  ✅ 保存最佳模型 \(Val Loss: \d+\.\d{4}\)\n", log)
    assert "it/s" not in log
    assert log in ended.stdout
    arguments = json.loads((run / "training_args.json").read_text())
    assert (arguments["epochs"], arguments["batch"], arguments["loss"]) == (2, 8, "quality_focal")


def test_english_messages(command, data, tmp_path):
    out = command("train", "--h5", data, "--epochs", 1, "--output_dir", tmp_path / "run", *SMALL, "--lang", "en")[1]
    assert "Training starts" in out
    assert not re.search(r"[\u4e00-\u9fff]", out)


def test_the_classes_can_be_imported_from_the_script():
    program = "from train_glint_unet import CheckpointManager, SharedMemoryDatasetCache, TrainingLogger, UNet"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


def test_help_does_not_import_torch():
    program = (
        "import sys\nimport train_glint_unet\n"
        "sys.argv = ['train_glint_unet.py', '--help']\n"
        "try: train_glint_unet.main()\n"
        "finally: print('torch' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False, capture_output=True, text=True)
    assert ended.stdout.endswith("False\n")


def test_the_seeds_resume_command_goes_on_to_the_same_end(script, command, data, tmp_path):
    # a cool-down depends on the number of epochs, a constant rate does not
    for name, epochs in (("whole", 6), ("D", 3)):
        flags = ("--h5", data, "--epochs", epochs, "--output_dir", tmp_path / name, "--cooldown", 0, *SMALL)
        assert command("train", *flags)[0] == 0
    ended = script(
        "train_glint_unet.py", "--h5", data, "--output_dir", "D", "--resume", "D/latest_checkpoint.pth", "--epochs", 6
    )
    assert ended.returncode == 0, ended.stderr
    assert "设置已更改: --epochs 3 -> 6" in ended.stdout
    assert rows(tmp_path / "D") == rows(tmp_path / "whole")
    assert same_weights(tmp_path / "D", tmp_path / "whole")


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGUSR1, 138)])
def test_a_signal_ends_with_a_checkpoint_and_the_resumed_run_is_the_same(
    data, command, tmp_path, reference, number, status
):
    run = tmp_path / "run"
    process = begin(tmp_path, "--h5", data, "--epochs", 6, "--output_dir", "run", *SMALL, "--lang", "en")
    wait_until((run / "latest_checkpoint.pth").exists, process)
    process.send_signal(number)
    assert process.wait() == status
    assert "To resume: python train_glint_unet.py --resume run" in (run / "training.log").read_text(encoding="utf-8")
    assert command("train", "--resume", run)[0] == 0
    assert rows(run) == rows(reference)
    assert same_weights(run, reference)


def test_runs_killed_at_random_instants_end_the_same_in_the_language_they_began_in(data, tmp_path, reference):
    run = tmp_path / "run"
    process = begin(tmp_path, "--h5", data, "--epochs", 6, "--output_dir", "run", "--save_every_minutes", 1e-5, *SMALL)
    wait_until((run / "latest_checkpoint.pth").exists, process)
    for kill in range(3):
        time.sleep(0.1 * kill)
        process.kill()
        process.wait()
        process = begin(tmp_path, "--resume", "run")
        wait_until(partial(has_resumed, run, kill + 1), process)
    assert process.wait() == 0
    assert rows(run) == rows(reference)
    assert same_weights(run, reference)
    assert not list(run.rglob(".*.tmp"))


def test_a_run_in_use_refuses_a_second_writer(command, data, tmp_path):
    process = begin(tmp_path, "--h5", data, "--epochs", 1000, "--output_dir", "run", *SMALL)
    wait_until((tmp_path / "run" / "latest_checkpoint.pth").exists, process)
    status, _, err = command("train", "--resume", tmp_path / "run", "--lang", "en")
    process.kill()
    process.wait()
    assert status == 2
    assert f"process {process.pid} on" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(not Path("/dev/shm").is_dir(), reason="no /dev/shm here")
def test_two_runs_side_by_side_share_one_copy_that_outlives_them(script, private_data, tmp_path):
    shared = ["--h5", private_data, "--epochs", 3, "--shared_memory", *SMALL]
    processes = [begin(tmp_path, *shared, "--output_dir", name) for name in ("one", "two")]
    assert [process.wait() for process in processes] == [0, 0]
    assert rows(tmp_path / "one") == rows(tmp_path / "two")
    logs = [(tmp_path / name / "training.log").read_text(encoding="utf-8") for name in ("one", "two")]
    assert sum("(新建)" in log for log in logs) >= 1
    listed = script("shm_manager.py", "--list", "--h5", private_data).stdout
    assert listed.count("glint_") == 2
    names = re.findall(r"glint_[0-9a-f]{32}_(?:images|keypoints)", listed)
    assert all((Path("/dev/shm") / f"glint-{os.getuid()}" / name).exists() for name in names)
    assert (
        script("train_glint_unet.py", "--h5", private_data, "--cleanup_shm", "--lang", "zh").stdout.count("已删除") == 2
    )
    assert script("shm_manager.py", "--cleanup", "--h5", private_data, "--lang", "zh").stdout == "没有共享副本\n"


def test_two_runs_of_the_same_second_get_two_directories(data, tmp_path):
    processes = [begin(tmp_path, "--h5", data, "--epochs", 1, *SMALL) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_the_progress_bar_is_on_the_terminal_and_not_in_the_log(data, tmp_path):
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (40, 120))
    words = [sys.executable, str(ROOT / "train_glint_unet.py"), "--h5", str(data), "--epochs", "1", *map(str, SMALL)]
    process = subprocess.Popen([*words, "--output_dir", "run"], cwd=tmp_path, stdout=theirs, stderr=theirs)
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 65536):
            seen += chunk
    except OSError:  # the terminal's other side is closed
        pass
    os.close(ours)
    assert process.wait() == 0
    assert b"Epoch 001/001" in seen
    assert "Epoch 001/001" not in (tmp_path / "run" / "training.log").read_text(encoding="utf-8")


def test_the_seeds_test_command_runs_these_tests():
    words = [sys.executable, str(ROOT / "test_training_system.py"), "--collect-only", "-q"]
    ended = subprocess.run(words, check=False, capture_output=True, text=True)
    assert ended.returncode == 0
    assert "test_the_plain_command_trains_into_a_new_directory" in ended.stdout
