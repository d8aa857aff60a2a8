"""The files that a run writes during training."""

import json
import time

import pytest

from glint_unet.data import dataset_reader
from glint_unet.data.sources import FileSource
from glint_unet.errors import (
    GlintError,
    SpaceError,
)
from glint_unet.training import loop
from glint_unet.training.loop import train
from glint_unet.training.run_data import open_data
from tests.run_files import contents, resumed, settings


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
        "provenance.json",
        "status.json",
        "worst.png",
        "report.html",
        *(f"checkpoints/checkpoint_epoch_{epoch:03d}.pth" for epoch in (2, 3, 4)),
    }


def test_the_timing_of_an_epoch_adds_up_to_its_time(finished):
    for row in json.loads((finished / "metrics.json").read_text()):
        timing = row["timing"]
        assert min(timing.values()) >= 0
        assert timing["data"] + timing["compute"] + timing["val"] == pytest.approx(row["epoch_time"], abs=0.02)
        assert timing["images_per_s"] == pytest.approx(18 / (timing["data"] + timing["compute"]), rel=0.05)
        assert timing["save"] > 0


def test_data_that_comes_late_is_reported_once_with_the_flag_that_helps(data, tmp_path, monkeypatch):
    gather = FileSource.gather

    def slow(source, rows):
        time.sleep(0.1)
        return gather(source, rows)

    monkeypatch.setattr(FileSource, "gather", slow)
    monkeypatch.setattr(dataset_reader, "_READ_TOGETHER", 1)
    train(settings(data, tmp_path / "run", preload=False, num_workers=0, epochs=2, batch=2))
    log = (tmp_path / "run/training.log").read_text()
    assert log.count("Data loading is the bottleneck") == 1
    assert log.index("Data loading is the bottleneck") > log.index("Epoch 002")  # workers start in the first
    assert "increase --num_workers (currently 0;" in log
    row = json.loads((tmp_path / "run/metrics.json").read_text())[-1]
    assert 0.9 < row["timing"]["data"] <= row["epoch_time"] - row["timing"]["compute"] - row["timing"]["val"] + 0.02


@pytest.mark.parametrize("resuming", [True, False])
def test_what_another_writer_did_before_the_lock_was_ours_is_not_overwritten(data, tmp_path, monkeypatch, resuming):
    run, other = tmp_path / "run", tmp_path / "other"
    train(settings(data, other, epochs=2))
    if resuming:
        train(settings(data, run, epochs=1))
    config = resumed(run, epochs=3) if resuming else settings(data, run)

    def open_while_another_writes(*arguments, **options):
        (run / "latest_checkpoint.pth").write_bytes((other / "latest_checkpoint.pth").read_bytes())
        return open_data(*arguments, **options)

    monkeypatch.setattr(loop, "open_data", open_while_another_writes)
    with pytest.raises(GlintError, match="was written by another run" if resuming else "already holds a run"):
        train(config)
    assert (run / "latest_checkpoint.pth").read_bytes() == (other / "latest_checkpoint.pth").read_bytes()


def test_a_run_is_not_overwritten_by_a_new_one(finished, data):
    before = contents(finished)
    with pytest.raises(GlintError, match="already holds a run"):
        train(settings(data, finished))
    assert contents(finished) == before


def test_a_disk_that_cannot_hold_the_run_is_seen_before_training(data, tmp_path, monkeypatch):
    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda path: Usage)
    with pytest.raises(SpaceError, match="cannot hold the checkpoints"):
        train(settings(data, tmp_path / "run"))


def test_deprecated_flags_are_accepted_and_name_their_successor(data, tmp_path):
    train(settings(data, tmp_path / "run", epochs=1, model_path="m.pth", save="s"))
    log = (tmp_path / "run" / "training.log").read_text(encoding="utf-8")
    assert "--model_path is deprecated" in log
    assert "--save is deprecated" in log
