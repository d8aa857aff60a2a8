"""Every command in this process: what it prints, what it returns, what it refuses."""

import json
import os
import shutil

import h5py
import numpy as np
import pytest
import torch

from glint_unet.data.shared_cache import SharedMemoryDatasetCache


def test_help_lists_the_commands_and_every_command_has_help(command, capsys):
    status, out, _ = command("--help")
    assert status == 0
    for name in ("train", "pack", "check", "synth", "shm"):
        assert name in out
        with pytest.raises(SystemExit) as ending:
            command(name, "--help")
        assert ending.value.code == 0
        assert "--lang" in capsys.readouterr().out


def test_the_version_is_printed(command):
    assert command("--version")[:2] == (0, "0.1.0\n")


@pytest.mark.parametrize(
    ("argv", "fragment"),
    [
        (["trian"], "train?"),
        (["train"], "--h5"),
        (["shm"], "--list"),
        (["check", "--lang", "zh"], "缺少参数: FILE;"),
        (["train", "--lang", "en", "--epochz", "3"], "--epochs"),
        (["train", "--lang", "en", "--loss", "mse"], "'focal', 'bce', 'dice', 'hybrid', 'quality_focal'"),
        (["train", "--lang", "en", "--epochs", "many"], "many"),
        (["train", "--lang", "en", "--epochs", "0"], ">= 1"),
        (["train", "--lang", "en"], "--h5 is missing"),
        (["train", "--lang", "en", "--cleanup_shm"], "--h5 is missing"),
        (["train", "--lang=en", "--h5", "none.h5"], "No such data set file: none.h5"),
        (["pack", "--lang", "en", "--in_dir", "none", "--out_h5", "a.h5"], "No such directory"),
        (["pack", "--lang", "en", "--out_h5", "a.h5"], "in_dir"),
        (["pack", "--lang", "en", "--in_dir", ".", "--out_h5", "a.h5", "--num_classes", "0"], "1 to 256"),
        (["check", "--lang", "en", "none.h5"], "No such data set file"),
        (["synth", "--lang", "en", "a.h5", "--size", "0"], "16 to 4096"),
        (["synth", "--lang", "en", "none/a.h5"], "No such directory: none"),
        (["synth", "--lang", "en", "a.h5", "--size", "32", "--heatmap_size", "10"], "heatmap 10x10"),
        (["shm", "--lang", "en"], "--list"),
        (["shm", "--lang", "en", "--cleanup"], "--h5 is missing"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(command, tmp_path, monkeypatch, argv, fragment):
    monkeypatch.chdir(tmp_path)
    status, out, err = command(*argv)
    assert status == 2
    assert out == ""
    assert err.count("\n") == 1, err
    assert fragment in err
    assert list(tmp_path.iterdir()) == []


def test_mistakes_are_chinese_unless_english_is_requested(command):
    assert "数据集文件不存在" in command("check", "none.h5", "--lang", "zh")[2]
    assert "No such data set file" in command("check", "none.h5", "--lang", "en")[2]


def test_dashes_are_accepted_for_underscores(command, tmp_path):
    status, _, _ = command("synth", tmp_path / "a.h5", "--num", 2, "--size", 32, "--heatmap-size", 8)
    assert status == 0


def test_synth_and_check(command, tmp_path):
    path = tmp_path / "a.h5"
    words = ["--num", 4, "--size", 32, "--num_classes", 2, "--seed", 3, "--level", "medium", "--lang", "en"]
    assert command("synth", path, *words)[0] == 0
    status, out, _ = command("check", path, "--lang", "en")
    assert status == 0
    assert "4 images of 32x32 uint8" in out
    assert "2 channels of 8x8 float16, stride 4" in out
    assert "g2: present" in out
    summary = json.loads(command("check", path, "--json")[1])
    assert summary["info"]["num_images"] == 4
    assert summary["info"]["heatmap_size"] == [8, 8]
    with h5py.File(path) as file:
        present = file["present"][:]
        assert [c["num_present"] for c in summary["channels"]] == present.sum(axis=0).tolist()
        assert summary["image_mean"] == pytest.approx(file["images"][:].mean())
        assert summary["image_range"] == [file["images"][:].min(), file["images"][:].max()]
    assert sum(summary["glints_per_image"]) == 4


def test_check_reads_presence_off_the_heatmaps_of_others(command, tmp_path, data):
    path = tmp_path / "a.h5"
    with h5py.File(data) as old, h5py.File(path, "w") as new:
        new["images"] = old["images"][:]
        new["heatmaps"] = (old["heatmaps"][:] * 255).astype(np.uint8)
        num_present = old["present"][:].sum(axis=0).tolist()
    summary = json.loads(command("check", path, "--json")[1])
    assert [channel["num_present"] for channel in summary["channels"]] == num_present
    assert summary["heatmap_range"][1] == pytest.approx(1, abs=0.01)


def test_check_describes_a_set_of_keypoints_alone(command, tmp_path, data):
    path = tmp_path / "a.h5"
    with h5py.File(data) as old, h5py.File(path, "w") as new:
        new["images"], new["keypoints"] = old["images"][:], old["keypoints"][:]
        new["keypoints"][:, 1] = np.nan
    status, out, _ = command("check", path, "--lang", "en")
    assert status == 0
    assert "rendered from keypoints" in out
    assert "g2: never present" in out


@pytest.mark.parametrize("where", ["images", "heatmaps"])
def test_check_refuses_damage_in_the_middle_of_the_data(command, tmp_path, data, where):
    path = tmp_path / "a.h5"
    with h5py.File(data) as old, h5py.File(path, "w") as new:
        for name in ("images", "heatmaps"):
            new.create_dataset(name, data=old[name][:], chunks=(1, *old[name].shape[1:]), fletcher32=True)
        offset = new[where].id.get_chunk_info(7).byte_offset
    content = bytearray(path.read_bytes())
    content[offset + 5] ^= 255
    path.write_bytes(content)
    status, _, err = command("check", path, "--lang", "en")
    assert status == 2
    assert f"{where} in" in err
    assert "is damaged" in err


def test_pack_names_what_it_skips_and_says_so_in_its_status(command, tmp_path, real_recording):
    for stem in ("human_000", "human_020", "human_040"):
        for suffix in (".json", ".jpg"):
            shutil.copy(real_recording / f"{stem}{suffix}", tmp_path)
    (tmp_path / "broken.json").write_text("{")
    arguments = ["pack", "--in_dir", tmp_path, "--num_classes", 1, "--img_h", 120, "--img_w", 160, "--lang", "en"]
    status, out, _ = command(*arguments, "--out_h5", tmp_path / "a.h5")
    assert status == 1
    assert "broken.json is not valid JSON" in out
    assert "3 images written, 1 files skipped" in out
    assert command(*arguments, "--out_h5", tmp_path / "b.h5", "--skip_bad")[0] == 0
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["present"][:].tolist() == [[1], [0], [1]]
        assert file["heatmaps"].shape == (3, 1, 30, 40)


def test_shared_copies_are_listed_and_removed(command, private_data, shm_root):
    assert "No shared copies" in command("shm", "--list", "--lang", "en")[1]
    handle, _, _ = SharedMemoryDatasetCache.try_attach_or_create(private_data, "images")
    other, _, _ = SharedMemoryDatasetCache.try_attach_or_create(private_data, "heatmaps")
    other.close()
    status, out, _ = command("shm", "--list", "--lang", "en")
    assert status == 0
    assert handle.path.name in out
    assert f"users: {os.getpid()}" in out
    assert "2 in total" in out
    status, out, _ = command("train", "--h5", private_data, "--cleanup_shm", "--lang", "en")
    assert status == 1
    assert f"In use, kept: {handle.path.name}" in out
    assert f"Removed: {other.path.name}" in out
    handle.close()
    assert command("shm", "--cleanup-all", "--lang", "en")[:2] == (0, f"Removed: {handle.path.name}\n")
    assert command("shm", "--cleanup", "--h5", private_data, "--lang", "en")[:2] == (0, "No shared copies\n")


def test_train_runs_and_a_resume_keeps_the_flags_that_are_not_given(command, data, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    small = ["--base_channels", 2, "--no_progress", "--device", "cpu"]
    assert command("train", "--h5", data, "--epochs", 1, "--loss", "dice", "--output_dir", "run", *small)[0] == 0
    assert command("train", "--resume", "run", "--epochs", 2)[0] == 0
    stored = torch.load("run/latest_checkpoint.pth")
    assert stored["epoch"] == 2
    assert stored["train_args"]["loss"] == "dice"
    assert stored["train_args"]["base_channels"] == 2
    status, _, err = command("train", "--resume", "run", "--loss", "bce", "--lang", "en")
    assert status == 2
    assert "--loss dice -> bce" in err
