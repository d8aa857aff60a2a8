"""The loop in this process: what it says is true, and what it refuses leaves everything as it was."""

import dataclasses
import hashlib
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from glint_unet.config import TrainConfig
from glint_unet.data import dataset_reader
from glint_unet.data.dataset_file import inspect_dataset
from glint_unet.data.sources import FileSource, MemorySource
from glint_unet.errors import (
    CheckpointError,
    DatasetError,
    DeviceError,
    GlintError,
    NonFiniteLossError,
    ResumeError,
    SettingError,
    SpaceError,
)
from glint_unet.model.losses import TERMS
from glint_unet.model.network import build_network
from glint_unet.runs import pictures
from glint_unet.runs.checkpoint_file import read_checkpoint, write_checkpoint
from glint_unet.runs.resume_point import find_resume_point
from glint_unet.training.batch_size import largest_doubled
from glint_unet.training.loop import train
from glint_unet.training.resume import check_settings
from glint_unet.training.run_data import new_split, open_data
from glint_unet.training.state import TrainState
from glint_unet.training.step import train_step, validate
from tests.run_files import rows, same, weights

SMALL = {
    "warmup_steps": 3,
    "cooldown": 0.0,
    "base_channels": 2,
    "epochs": 2,
    "progress": False,
    "lang": "en",
    "save_freq": 1,
    "device": "cpu",
}


def settings(data, run, **changes) -> TrainConfig:
    return TrainConfig(**{"h5": str(data), "output_dir": str(run), **SMALL, **changes})


def resumed(checkpoint: Path, **changes) -> TrainConfig:
    config = find_resume_point(str(checkpoint), None).config
    return TrainConfig(**{**config.to_dict(), "resume": str(checkpoint), **changes})


def contents(directory):
    """Every file with a hash of its bytes."""
    files = sorted(p for p in directory.rglob("*") if p.is_file() and p.name != ".run.lock")
    return {str(p): hashlib.md5(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def finished(data, tmp_path_factory):
    """A run of four epochs that nothing interrupted; not to be written to."""
    run = tmp_path_factory.mktemp("finished") / "run"
    train(settings(data, run, epochs=4))
    return run


def test_the_run_directory_holds_every_file_of_the_contract(finished):
    files = {str(path.relative_to(finished)) for path in finished.rglob("*") if path.is_file()}
    assert files == {
        ".run.lock",
        "training.log",
        "metrics.json",
        "training_args.json",
        "split.json",
        "dataset.json",
        "best_model.pth",
        "best_model_weights.pt",
        "latest_checkpoint.pth",
        "results.png",
        "predictions.png",
        *(f"checkpoints/checkpoint_epoch_{epoch:03d}.pth" for epoch in (2, 3, 4)),
    }


def test_the_logged_terms_add_up_to_the_total(finished):
    for row in rows(finished):
        for part in ("train", "val"):
            assert row[part]["total"] == pytest.approx(sum(row[part][name] for name in TERMS[1:]), rel=1e-5)
            assert row[part]["bce"] == row[part]["dice"] == 0
            assert row[part]["votes"] != 0


def test_the_best_models_validation_figures_are_those_of_the_stored_weights(finished, data):
    best = read_checkpoint(finished / "best_model.pth")
    info = inspect_dataset(data)
    config = TrainConfig(base_channels=2)
    network = build_network(config, info)
    network.load_state_dict(torch.load(finished / "best_model_weights.pt"))
    val = json.loads((finished / "split.json").read_text())["val"]
    source = MemorySource(info)
    batches = source.batches([np.array([row]) for row in val])  # one by one: the mean does not depend on the batches
    figures, confusion = validate(network, batches, torch.device("cpu"), config, info)
    assert figures["total"] == pytest.approx(best["metrics"]["val"]["total"], rel=1e-5)
    assert confusion == best["history"][-1]["val_confusion"]
    assert sum(map(sum, confusion)) == int(source.gather(np.array(val)).keypoints.isfinite().all(dim=-1).sum())
    least = min(row["val"]["total"] for row in rows(finished))
    assert best["best"] == {"epoch": best["epoch"], "total": least, "rank": least}


def test_the_best_model_is_the_one_that_best_metric_names(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=3, best_metric="px_error", lr=5e-3))
    ranks = [(row["val"]["px_error"] if row["val"]["px_error"] is not None else np.inf) for row in rows(run)]
    totals = [row["val"]["total"] for row in rows(run)]
    expected = min(zip(ranks, totals, (1, 2, 3), strict=True))[2]
    assert read_checkpoint(run / "best_model.pth")["epoch"] == expected


def test_the_same_seed_gives_the_same_run_bit_for_bit(finished, data, tmp_path):
    train(settings(data, tmp_path / "again", epochs=4))
    assert rows(tmp_path / "again") == rows(finished)
    assert same(weights(tmp_path / "again" / "latest_checkpoint.pth"), weights(finished / "latest_checkpoint.pth"))


def test_data_from_the_file_gives_the_same_run_as_data_in_memory(finished, data, tmp_path):
    train(settings(data, tmp_path / "file", epochs=4, preload=False, num_workers=2))
    assert rows(tmp_path / "file") == rows(finished)


def test_data_on_the_device_gives_the_same_run(finished, data, tmp_path):
    train(settings(data, tmp_path / "run", cache="device", epochs=4))
    assert rows(tmp_path / "run") == rows(finished)


def test_the_timing_of_an_epoch_adds_up_to_its_time(finished):
    for row in json.loads((finished / "metrics.json").read_text()):
        timing = row["timing"]
        assert min(timing.values()) >= 0
        assert timing["data"] + timing["compute"] + timing["val"] == pytest.approx(row["epoch_time"], abs=0.02)
        assert timing["images_per_s"] == pytest.approx(18 / (timing["data"] + timing["compute"]), rel=0.05)
        assert timing["save"] > 0


def test_data_that_comes_late_is_told_once_with_the_flag_that_helps(data, tmp_path, monkeypatch):
    gather = FileSource.gather

    def slow(source, rows):
        time.sleep(0.1)
        return gather(source, rows)

    monkeypatch.setattr(FileSource, "gather", slow)
    monkeypatch.setattr(dataset_reader, "_READ_TOGETHER", 1)
    train(settings(data, tmp_path / "run", preload=False, num_workers=0, epochs=2, batch=2))
    log = (tmp_path / "run/training.log").read_text()
    assert log.count("Data is the brake") == 1
    assert "raise --num_workers (now 0;" in log
    row = json.loads((tmp_path / "run/metrics.json").read_text())[-1]
    assert 0.9 < row["timing"]["data"] < 0.9 + row["timing"]["compute"]


@pytest.mark.parametrize("named", [{"preload": False}, {"shared_memory": True}])
def test_names_of_a_cache_that_contradict_each_other_are_refused(named):
    with pytest.raises(SettingError, match="--cache ram and --"):
        TrainConfig(cache="ram", **named)


@pytest.mark.parametrize("name", ["latest_checkpoint.pth", "checkpoints/checkpoint_epoch_002.pth"])
def test_a_resumed_run_equals_one_never_interrupted(finished, data, tmp_path, name):
    run = tmp_path / "run"
    train(settings(data, run))
    train(resumed(run / name, epochs=4))
    assert rows(run) == rows(finished)
    assert same(weights(run / "latest_checkpoint.pth"), weights(finished / "latest_checkpoint.pth"))
    assert same(weights(run / "best_model.pth"), weights(finished / "best_model.pth"))
    assert (run / "split.json").read_text() == (finished / "split.json").read_text()
    log = (run / "training.log").read_text(encoding="utf-8")
    assert log.count("Training starts") == 1
    assert "Setting changed: --epochs 2 -> 4" in log


def test_the_scale_of_a_float16_loss_is_resumed_too(data, tmp_path):
    whole, halves = tmp_path / "whole", tmp_path / "halves"
    for run, epochs in ((whole, 3), (halves, 2)):
        train(settings(data, run, amp="fp16", epochs=epochs, cooldown=0))
    train(resumed(halves, epochs=3))
    ends = [read_checkpoint(run / "latest_checkpoint.pth") for run in (whole, halves)]
    assert ends[0]["scaler"] == ends[1]["scaler"]
    assert ends[1]["scaler"]["_growth_tracker"] > ends[1]["steps"] / 3  # more steps than after the resume
    assert same(*(end["model_state_dict"] for end in ends))


@pytest.mark.parametrize("scaler", [{"scale": 1.0}, {"scale": "large"}, 7])
def test_a_checkpoint_with_a_scale_that_is_none_is_refused(finished, tmp_path, scaler):
    path = tmp_path / "hostile.pth"
    write_checkpoint(path, {**read_checkpoint(finished / "latest_checkpoint.pth"), "scaler": scaler})
    with pytest.raises(CheckpointError, match="damaged"):
        find_resume_point(str(path), None)


def test_resuming_from_an_older_checkpoint_moves_the_later_history_aside(finished, data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=4))
    before = rows(run)
    train(resumed(run / "checkpoints" / "checkpoint_epoch_002.pth"))
    assert rows(run) == before
    aside = run / "superseded" / "after_epoch_002"
    assert sorted(p.name for p in aside.iterdir()) == [
        "checkpoint_epoch_003.pth",
        "checkpoint_epoch_004.pth",
        "latest_checkpoint.pth",
        "metrics.json",
    ]
    assert same(weights(run / "best_model.pth"), weights(finished / "best_model.pth"))
    assert "was moved to" in (run / "training.log").read_text(encoding="utf-8")


def test_a_better_model_is_never_replaced_by_a_worse_one(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run))
    content = torch.load(run / "latest_checkpoint.pth")
    content["best"] = {"epoch": 1, "total": -1.0, "rank": -1.0}  # as if an earlier epoch had been unbeatable
    torch.save(content, run / "latest_checkpoint.pth")
    before = (run / "best_model.pth").read_bytes()
    train(resumed(run / "latest_checkpoint.pth", epochs=4))
    assert (run / "best_model.pth").read_bytes() == before
    assert read_checkpoint(run / "latest_checkpoint.pth")["best"]["total"] == -1.0


def test_a_resume_into_another_directory_takes_history_and_best_along(finished, data, tmp_path):
    run = tmp_path / "branch"
    before = contents(finished)
    train(resumed(finished / "checkpoints" / "checkpoint_epoch_004.pth", output_dir=str(run), epochs=5))
    assert [row["epoch"] for row in rows(run)] == [1, 2, 3, 4, 5]
    assert rows(run)[:4] == rows(finished)
    assert (run / "best_model.pth").exists()
    assert contents(finished) == before


def test_a_damaged_latest_falls_back_only_where_the_user_named_no_file(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=3))
    whole = rows(run)
    (run / "latest_checkpoint.pth").write_bytes((run / "latest_checkpoint.pth").read_bytes()[:-50])
    before = contents(run)
    with pytest.raises(CheckpointError, match="damaged"):
        find_resume_point(str(run / "latest_checkpoint.pth"), None)
    assert contents(run) == before
    point = find_resume_point("auto", str(run))
    assert point.path.name == "checkpoint_epoch_003.pth"
    train(TrainConfig(**{**point.config.to_dict(), "resume": "auto", "epochs": 3}))
    assert rows(run) == whole
    assert "damaged checkpoint passed over" in (run / "training.log").read_text(encoding="utf-8")


@pytest.mark.parametrize("resuming", [True, False])
def test_what_another_writer_did_before_the_lock_was_ours_is_not_overwritten(data, tmp_path, monkeypatch, resuming):
    run, other = tmp_path / "run", tmp_path / "other"
    train(settings(data, other, epochs=2))
    if resuming:
        train(settings(data, run, epochs=1))
    config = resumed(run, epochs=3) if resuming else settings(data, run)
    from glint_unet.training import loop

    def open_while_another_writes(*arguments, **options):
        (run / "latest_checkpoint.pth").write_bytes((other / "latest_checkpoint.pth").read_bytes())
        return open_data(*arguments, **options)

    monkeypatch.setattr(loop, "open_data", open_while_another_writes)
    with pytest.raises(GlintError, match="was written by another run" if resuming else "holds a run already"):
        train(config)
    assert (run / "latest_checkpoint.pth").read_bytes() == (other / "latest_checkpoint.pth").read_bytes()


def test_a_finished_run_has_nothing_to_do(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run))
    before = rows(run)
    train(resumed(run))
    assert rows(run) == before
    assert "larger --epochs" in (run / "training.log").read_text(encoding="utf-8")


REFUSED_ON_RESUME: dict[str, Any] = {
    "loss": ({"loss": "dice"}, ResumeError, "--loss quality_focal -> dice"),
    "lr": ({"lr": 1e-4}, ResumeError, "--allow_changed lr"),
    "network": ({"base_channels": 4, "allow_changed": "base_channels"}, CheckpointError, "of another network"),
    "unknown": ({"allow_changed": "speed"}, ResumeError, "speed"),
    "gpu": ({"device": "cuda"}, DeviceError, "no such GPU"),
}


@pytest.mark.parametrize("case", REFUSED_ON_RESUME)
def test_a_resume_that_would_be_another_run_is_refused_and_changes_nothing(finished, case):
    if case == "gpu" and torch.cuda.is_available():
        pytest.skip("this machine has a GPU")
    changes, kind, said = REFUSED_ON_RESUME[case]
    before = contents(finished)
    with pytest.raises(kind, match=said):
        train(resumed(finished, epochs=5, **changes))
    assert contents(finished) == before


def test_a_resume_on_other_data_is_refused(finished, private_data):
    before = contents(finished)
    with pytest.raises(ResumeError, match="not the data set of this run"):
        train(resumed(finished, epochs=5, h5=str(private_data)))
    assert contents(finished) == before


def test_the_learning_rate_may_change_where_the_user_allows_it(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=1))
    train(resumed(run, epochs=2, lr=1e-5, allow_changed="lr"))
    assert [row["lr"] for row in rows(run)] == [4e-3, 1e-5]


def test_a_run_may_begin_with_the_best_weights_of_another(finished, data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, epochs=1, init=str(finished), lr=1e-6, aug_noise=0))
    begun, best = weights(run / "latest_checkpoint.pth"), torch.load(finished / "best_model_weights.pt")
    for name, tensor in begun.items():
        if "running" not in name and "num_batches" not in name:
            assert torch.allclose(tensor, best[name], atol=1e-4)
    train(resumed(run, epochs=2))
    with pytest.raises(CheckpointError, match="of another network"):
        train(settings(data, tmp_path / "wide", init=str(finished), base_channels=3))
    with pytest.raises(CheckpointError, match="No such checkpoint"):
        train(settings(data, tmp_path / "none", init=str(tmp_path / "nothing")))
    assert not (tmp_path / "wide").exists()


OTHER_VALUES: dict[type, Any] = {str: "other", int: 7, float: 0.123}
CHOICES: dict[str, Any] = {
    "init": "other",
    "decoding": "argmax",
    "targets": "file",
    "flip": "1,2,3",
    "loss": "dice",
    "div_mode": "kl",
    "agg_mode": "sum",
    "best_metric": "f1",
    "augment": False,
    "amp": "bf16",
}
FIXED = [f for f in dataclasses.fields(TrainConfig) if f.metadata["resume"] == "fixed" and f.name != "arch"]


@pytest.mark.parametrize("name", [f.name for f in FIXED])
def test_each_setting_that_belongs_to_the_run_is_refused_on_a_resume(finished, name):
    point = find_resume_point(str(finished), None)
    value = CHOICES[name] if name in CHOICES else OTHER_VALUES[type(getattr(TrainConfig(), name))]
    start = dataclasses.replace(point.config, augment=name != "targets")
    point.checkpoint.train_args["augment"] = start.augment
    changed = dataclasses.replace(start, **{name: value})
    md5 = point.state.dataset["md5"]
    with pytest.raises(ResumeError, match=f"--{name} .* -> {value}"):
        check_settings(changed, point, md5)
    allowed = dataclasses.replace(changed, allow_changed=name)
    assert f"--{name}" in check_settings(allowed, point, md5)[0]


@pytest.mark.parametrize("resume", ["auto", "RUN", "none.pth"])
def test_a_resume_that_finds_nothing_never_starts_from_scratch(data, tmp_path, resume):
    run = tmp_path / "run"
    run.mkdir()
    with pytest.raises(ResumeError, match="no checkpoint to resume"):
        train(settings(data, run, resume=str(run) if resume == "RUN" else resume))
    assert list(run.iterdir()) == []


def test_a_run_is_not_overwritten_by_a_new_one(finished, data):
    before = contents(finished)
    with pytest.raises(GlintError, match="holds a run already"):
        train(settings(data, finished))
    assert contents(finished) == before


def test_without_the_optimizer_a_resume_says_that_it_is_not_exact(data, tmp_path):
    run = tmp_path / "run"
    train(settings(data, run, no_save_optimizer=True))
    assert "optimizer_state_dict" not in read_checkpoint(run / "latest_checkpoint.pth")
    train(resumed(run, epochs=3))
    log = (run / "training.log").read_text(encoding="utf-8")
    assert "this resume is not exact" in log
    assert len(rows(run)) == 3


def test_a_loss_that_is_not_finite_stops_the_run_and_keeps_the_good_checkpoint(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    train(settings(data, run, epochs=1))
    before = contents(run)
    from glint_unet.training import loop

    def broken(*arguments):
        return train_step(*arguments) * torch.nan

    monkeypatch.setattr(loop, "train_step", broken)
    with pytest.raises(NonFiniteLossError, match="epoch 2 by step 1"):
        train(resumed(run, epochs=2))
    after = contents(run)
    changed = {Path(name).name for name in after if after[name] != before.get(name)}
    assert changed <= {"training.log", "training_args.json", "best_model_weights.pt"}


def test_a_rollback_goes_back_at_half_the_learning_rate_three_times_at_most(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    train(settings(data, run, epochs=1))
    from glint_unet.training import loop

    broken_at = {4e-3, 2e-3}

    def broken(state, *arguments):
        terms = train_step(state, *arguments)
        return terms * torch.nan if state.optimizer.param_groups[0]["lr"] in broken_at else terms

    monkeypatch.setattr(loop, "train_step", broken)
    train(resumed(run, epochs=3, on_nan="rollback"))
    assert [row["lr"] for row in rows(run)] == [4e-3, 1e-3, 1e-3]
    assert "(2 of 3)" in (run / "training.log").read_text(encoding="utf-8")
    train(resumed(run, epochs=4))
    assert rows(run)[-1]["lr"] == 1e-3
    broken_at |= {1e-3, 5e-4}
    with pytest.raises(NonFiniteLossError, match="epoch 5"):
        train(resumed(run, epochs=5))
    assert read_checkpoint(run / "latest_checkpoint.pth")["rollbacks"] == 3
    assert torch.isfinite(weights(run / "latest_checkpoint.pth")["stem.0.0.weight"]).all()


def test_a_validation_loss_that_is_not_finite_stops_the_run_too(data, tmp_path, monkeypatch):
    run = tmp_path / "run"
    monkeypatch.setattr("glint_unet.training.loop.validate", lambda *a: ({"total": float("nan"), "f1": None}, []))
    with pytest.raises(NonFiniteLossError, match="epoch 1"):
        train(settings(data, run))
    assert read_checkpoint(run / "latest_checkpoint.pth")["epoch"] == 0
    assert not (run / "best_model.pth").exists()


def test_a_disk_that_cannot_hold_the_run_is_seen_before_training(data, tmp_path, monkeypatch):
    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(SpaceError, match="cannot hold the checkpoints"):
        train(settings(data, tmp_path / "run"))


def test_too_few_images_are_refused_before_anything_is_written(data, tmp_path):
    with pytest.raises(DatasetError, match="N=20"):
        train(settings(data, tmp_path / "run", val_split=0.01))
    assert not (tmp_path / "run").exists()


def test_a_batch_size_to_be_found_needs_a_gpu_and_is_kept_on_a_resume(finished, data, tmp_path):
    with pytest.raises(DeviceError, match="--batch auto goes by the memory of a GPU"):
        train(settings(data, tmp_path / "run", batch="auto"))
    assert not (tmp_path / "run").exists()
    run = tmp_path / "again"
    train(resumed(finished / "latest_checkpoint.pth", output_dir=str(run), batch="auto", epochs=5))
    assert len(rows(run)) == 5
    assert json.loads((run / "training_args.json").read_text())["batch"] == 8


@given(first=st.integers(1, 9), most=st.integers(0, 500), memory=st.integers(0, 500))
def test_the_largest_batch_that_fits_is_found_by_doubling(first, most, memory):
    asked: list[int] = []
    largest = largest_doubled(first, most, lambda num: asked.append(num) or num <= memory)
    assert all(num == first or num <= most for num in asked)
    assert largest == max((num for num in asked if num <= memory), default=0)
    assert 2 * largest > min(most, memory) or not largest


@pytest.mark.parametrize(("gpu", "said"), [("0,1", "names 2 GPUs"), ("x", "no device number"), ("99", "no such GPU")])
def test_gpus_that_cannot_be_used_are_refused(data, tmp_path, gpu, said):
    with pytest.raises(DeviceError, match=said):
        train(settings(data, tmp_path / "run", gpu=gpu, device="auto"))
    assert not (tmp_path / "run").exists()


def test_every_loss_trains(data, tmp_path):
    for loss in ("focal", "bce", "dice", "hybrid", "quality_focal"):
        run = tmp_path / loss
        train(settings(data, run, loss=loss, lam_bce=1.0, lam_dice=1.0, lr=3e-3))
        first, second = rows(run)
        assert second["train"]["total"] < first["train"]["total"]
        on = {"focal", "bce", "dice"} if loss == "hybrid" else {loss.removeprefix("quality_")}
        assert {name for name in ("focal", "bce", "dice") if first["train"][name] > 0} == on


def test_deprecated_flags_are_accepted_and_name_their_successor(data, tmp_path):
    train(settings(data, tmp_path / "run", epochs=1, model_path="m.pth", save="s"))
    log = (tmp_path / "run" / "training.log").read_text(encoding="utf-8")
    assert "--model_path is deprecated" in log
    assert "--save is deprecated" in log


def test_a_file_of_others_trains(tmp_path):
    import h5py

    rng = np.random.default_rng(0)
    path = tmp_path / "theirs.h5"
    with h5py.File(path, "w") as file:
        file["images"] = rng.integers(0, 255, (10, 24, 40), dtype=np.uint8)
        file["heatmaps"] = rng.integers(0, 255, (10, 5, 6, 10), dtype=np.uint8)
    train(settings(path, tmp_path / "run", epochs=1, val_split=0.2))
    assert json.loads((tmp_path / "run" / "dataset.json").read_text())["num_classes"] == 5


@pytest.mark.parametrize(("least", "scale"), [(0.1, "log"), (-0.1, "linear")])
def test_a_loss_below_zero_is_drawn_too(tmp_path, monkeypatch, least, scale):
    drawn = []
    monkeypatch.setattr(pictures, "_save", lambda figure, path: drawn.append(figure))
    part = [{"total": 0.5, "f1": 0.1, "px_median": 3.0}, {"total": least, "f1": 0.5, "px_median": None}]
    pictures.draw_curves([{"epoch": k + 1, "train": p, "val": p} for k, p in enumerate(part)], tmp_path / "r.png")
    loss = drawn[0].axes[0]
    assert loss.get_yscale() == scale
    assert loss.get_ylim()[0] <= least


def test_a_batch_in_parts_has_the_gradient_of_the_whole(data, finished):
    config = settings(data, "unused", augment=False)
    info = inspect_dataset(data)
    batch, split = MemorySource(info).gather(np.arange(7)), new_split(config, info)
    weights = []
    for parts in (1, 3):
        torch.manual_seed(0)
        network = build_network(config, info).eval()  # batch normalisation would see the parts
        state = TrainState(network, torch.optim.SGD(network.parameters(), lr=0.1), split, {})
        losses = dataclasses.replace(config, accumulate=parts, lam_votes=0, ema_decay=0)
        terms = train_step(state, batch, None, losses, info)
        weights.append((terms, *network.state_dict().values()))
    assert all(torch.allclose(whole, in_parts, atol=1e-6) for whole, in_parts in zip(*weights, strict=True))
    assert any(
        not torch.equal(new, old)
        for new, old in zip(weights[0][1:], build_network(config, info).parameters(), strict=False)
    )


@pytest.mark.parametrize("changes", [{"accumulate": 3}, {"amp": "bf16"}, {"amp": "fp16", "clip_norm": 1.0}])
def test_other_ways_to_compute_a_step_train_too(data, tmp_path, changes):
    train(settings(data, tmp_path / "run", epochs=3, arch="unet", **changes))
    totals = [row["train"]["total"] for row in rows(tmp_path / "run")]
    assert totals[-1] < totals[0]


def test_a_profile_of_the_steps_is_written(data, tmp_path):
    train(settings(data, tmp_path / "run", epochs=3, batch=4, profile=2))
    events = json.loads((tmp_path / "run/profile.json").read_text())["traceEvents"]
    steps = {event["name"] for event in events if str(event.get("name")).startswith("ProfilerStep")}
    assert len(steps) == 2
    assert any("convolution" in str(event.get("name")) for event in events)


@pytest.mark.parametrize("changes", [{"batch": 1}, {"batch": 17}, {"batch": 6, "accumulate": 6}])
def test_a_step_on_one_tiny_image_is_refused_before_anything_is_written(data, tmp_path, changes):
    with pytest.raises(SettingError, match=f"--batch {changes['batch']} leaves a step with one image of at most 32 px"):
        train(settings(data, tmp_path / "run", **changes))
    assert not (tmp_path / "run").exists()
