"""Adapting a model: kept where it is better, put back where it is worse, and the same after a kill."""

import dataclasses
import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from glint_unet.adaptation.adapt import adapt
from glint_unet.adaptation.task import Adaptation
from glint_unet.data.synthetic.drawing import render_eyes
from glint_unet.data.synthetic.rig import Rig
from glint_unet.data.synthetic.writing import write_synthetic
from glint_unet.errors import AdaptError, RunDirectoryError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.safetensors_model import export_safetensors
from glint_unet.inference.trained_model import load_model
from glint_unet.runs.checkpoint import Checkpoint
from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.loop import train
from tests.run_files import contents, same, settings, weights

ROOT = Path(__file__).resolve().parents[2]


def task(eyes_run, images, new, **changes):
    values = {"epochs": 1, "threads": 1, "progress": False, "lang": "en", "device": "cpu", "max_images": 20}
    return Adaptation(eyes_run, str(images), new, **{**values, **changes})


@pytest.fixture(scope="module")
def adapted(eyes_run, eyes_video, tmp_path_factory):
    """An adaptation that nothing interrupted; not to be written to."""
    new = tmp_path_factory.mktemp("adapted") / "new"
    return new, adapt(task(eyes_run, eyes_video, new))


def test_the_new_run_is_a_run_with_a_report_and_a_picture(adapted, eyes_run):
    new, report = adapted
    assert report.num_frames == 20
    assert report.num_labelled >= 4
    assert GlintDetector.load(new).num_classes == 2
    assert json.loads((new / "adapt_report.json").read_text())["found_after"] == report.found_after
    assert (new / "adapt_examples.png").exists()
    assert json.loads((new / "training_args.json").read_text())["init"] == str(eyes_run / "best_model.pth")


def test_the_old_run_is_untouched(eyes_run, eyes_video, tmp_path):
    before = contents(eyes_run)
    adapt(task(eyes_run, eyes_video, tmp_path / "new"))
    assert contents(eyes_run) == before


def test_the_same_call_again_changes_nothing(adapted, eyes_run, eyes_video):
    new, report = adapted
    before = contents(new)
    assert adapt(task(eyes_run, eyes_video, new)) == report
    assert contents(new) == before


def test_a_second_call_computes_with_as_many_threads_as_the_first(adapted, eyes_run, eyes_video, tmp_path):
    new, report = tmp_path / "new", adapted[1]
    shutil.copytree(adapted[0], new)
    recorded = json.loads((new / "adapt_args.json").read_text())
    assert recorded["threads"] == 1
    (new / "adapt_args.json").write_text(json.dumps({**recorded, "threads": 3}))
    before = torch.get_num_threads()
    try:
        assert adapt(task(eyes_run, eyes_video, new, threads=0)) == report
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_another_call_in_the_same_directory_is_refused(adapted, eyes_run, eyes_video):
    new, _ = adapted
    with pytest.raises(RunDirectoryError, match="--epochs 1 -> 2"):
        adapt(task(eyes_run, eyes_video, new, epochs=2))


def test_the_directory_of_another_run_is_refused(eyes_run, eyes_video):
    with pytest.raises(RunDirectoryError, match="not overwritten; choose another --output_dir"):
        adapt(task(eyes_run, eyes_video, eyes_run))


def test_a_model_made_worse_is_not_kept(eyes_run, eyes_video, tmp_path):
    new = tmp_path / "new"
    report = adapt(task(eyes_run, eyes_video, new, lr=0.3))
    assert not report.is_kept
    assert report.agreement_after < report.agreement_before or report.certain_kept < report.certain_before
    files, old = RunDirectory(new), RunDirectory(eyes_run)
    assert same(weights(files.best), weights(old.best))
    assert files.best_weights.read_bytes() == old.best_weights.read_bytes()
    assert GlintDetector.load(new).threshold == GlintDetector.load(eyes_run).threshold
    assert not same(weights(new / "rejected_model.pth"), weights(old.best))


def test_a_kill_between_putting_back_and_the_report_does_not_take_the_old_model_for_the_new_one(
    eyes_run, eyes_video, tmp_path
):
    new = tmp_path / "new"
    report = adapt(task(eyes_run, eyes_video, new, lr=0.3))
    (new / "adapt_report.json").unlink()
    assert adapt(task(eyes_run, eyes_video, new, lr=0.3)) == report


@pytest.mark.parametrize("reached", ["adapt_args.json", ".run.lock", "latest_checkpoint.pth", "pseudo_labels.h5"])
def test_killed_anywhere_the_same_command_ends_as_if_nothing_had_happened(
    adapted, eyes_run, eyes_video, tmp_path, reached
):
    new = tmp_path / "new"
    words = ["--run", eyes_run, "--images", eyes_video, "--output_dir", new, "--max_images", 20, "--epochs", 1]
    words += ["--threads", 1, "--no_progress", "--device", "cpu", "--lang", "en"]
    command = [sys.executable, "-m", "glint_unet", "adapt", *map(str, words)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while not (new / reached).exists() and process.poll() is None:
        time.sleep(0.001)
    process.kill()
    assert process.wait() == -signal.SIGKILL
    assert not (new / "adapt_report.json").exists()
    labelled_at = (new / "pseudo_labels.h5").stat().st_mtime_ns if (new / "pseudo_labels.h5").exists() else None
    report = adapt(task(eyes_run, eyes_video, new))
    assert report == adapted[1]
    assert same(weights(RunDirectory(new).best), weights(RunDirectory(adapted[0]).best))
    assert labelled_at in (None, (new / "pseudo_labels.h5").stat().st_mtime_ns)
    assert not list(new.glob(".*.tmp"))


def test_a_run_of_a_rig_mixes_in_its_eyes_or_says_why_not(eyes_run, eyes_video, tmp_path, capsys):
    run, rig = tmp_path / "run", tmp_path / "rig.toml"
    shutil.copytree(eyes_run, run)
    best = Checkpoint.read(run / "best_model.pth")
    dataclasses.replace(best, train_args={**best.train_args, "h5": f"synth:{rig}"}).write(run / "best_model.pth")
    report = adapt(task(run, eyes_video, tmp_path / "without"))
    assert report.num_synthetic == 0
    assert str(rig) in capsys.readouterr().out
    rig.write_text('[leds]\nnumber = 2\n[image]\nsize = [48, 64]\nstride = 2\n[scene]\nlevel = "easy"\n')
    report = adapt(task(run, eyes_video, tmp_path / "with"))
    counts = json.loads((tmp_path / "with" / "pseudo_labels.json").read_text())
    assert report.num_synthetic == counts["num_synthetic"] == counts["num_rows"] / 2
    assert counts["num_held_back"] % 2 == 0
    assert str(rig) not in capsys.readouterr().out


def test_a_model_trained_on_several_gpus_is_adapted_on_this_machine(eyes_run, eyes_video, tmp_path):
    run = tmp_path / "run"
    shutil.copytree(eyes_run, run)
    best = Checkpoint.read(run / "best_model.pth")
    dataclasses.replace(best, train_args={**best.train_args, "gpu": "0,1"}).write(run / "best_model.pth")
    assert adapt(task(run, eyes_video, tmp_path / "new")).num_labelled >= 4


def test_the_new_run_keeps_the_constellation_of_the_old_one(tmp_path):
    rig = Rig.ring(4, image_size=(48, 48), stride=2, level="easy")
    list(write_synthetic(tmp_path / "eyes.h5", rig, num=60, seed=1))
    run = tmp_path / "run"
    train(settings(tmp_path / "eyes.h5", run, base_channels=4, epochs=14))
    best = Checkpoint.read(run / "best_model.pth")
    recorded = best.run_state().dataset["constellation"]
    recorded["turn_deg"] = 21.0  # as no data set would show it
    best.write(run / "best_model.pth")
    adapt(task(run, tmp_path / "eyes.h5", tmp_path / "new"))
    new = Checkpoint.read(tmp_path / "new" / "latest_checkpoint.pth").run_state().dataset["constellation"]
    assert np.abs(np.subtract(new.pop("layout"), recorded.pop("layout"))).max() <= 2e-6  # scaled and rounded again
    assert new == recorded


@pytest.fixture(scope="module")
def class_free(tmp_path_factory):
    """A class-free run on eyes of 5 LEDs, and a rig file of 4 LEDs with 20 frames of it."""
    directory = tmp_path_factory.mktemp("class_free")
    rig = Rig.ring(5, image_size=(48, 48), layout_size=(0.6, 0.8), stride=1, level="easy")
    list(write_synthetic(directory / "eyes.h5", rig, num=80, seed=1))
    run = directory / "run"
    train(settings(directory / "eyes.h5", run, base_channels=4, epochs=16, class_free=True))
    four = directory / "four.toml"
    four.write_text('[leds]\nnumber = 4\nsize = [0.6, 0.8]\n[image]\nstride = 1\n[scene]\nlevel = "easy"\n')
    frames = directory / "frames.h5"
    list(write_synthetic(frames, dataclasses.replace(Rig.read(four), image_size=(48, 48)), num=20, seed=2))
    return run, four, frames


def test_a_class_free_model_is_adapted_to_a_rig_that_it_was_not_trained_for(class_free, tmp_path):
    run, four, frames = class_free
    new = tmp_path / "new"
    report = adapt(task(run, frames, new, rig=four))
    assert report.num_labelled >= 4
    assert report.num_synthetic > 0
    assert json.loads((new / "training_args.json").read_text())["class_free"] is True
    detector = GlintDetector.load(new)
    assert detector.labels() == ["g1", "g2", "g3", "g4"]
    assert detector.threshold == (report.threshold_after if report.is_kept else report.threshold_before)
    assert adapt(task(run, frames, new, rig=four)) == report
    with pytest.raises(RunDirectoryError, match="--rig"):
        adapt(task(run, frames, new))


@pytest.mark.slow
def test_an_exported_model_is_adapted_and_put_back_where_it_stays_the_better_one(class_free, tmp_path):
    run, four, frames = class_free
    exported, new = tmp_path / "model.safetensors", tmp_path / "new"
    export_safetensors(load_model(run), exported)
    report = adapt(task(exported, frames, new, rig=four, lr=0.3))
    assert not report.is_kept
    images = render_eyes(dataclasses.replace(Rig.read(four), image_size=(48, 48)), 3, range(8))[0]
    back, old = GlintDetector.load(new), GlintDetector.load(exported, rig=four)
    assert back.labels() == ["g1", "g2", "g3", "g4"]
    for ours, theirs in zip(back.candidates(images), old.candidates(images), strict=True):
        assert np.array_equal(ours, theirs)


def test_a_class_free_model_without_a_layout_is_refused(tmp_path):
    rig = Rig.ring(2, image_size=(48, 48), stride=2, level="easy")
    list(write_synthetic(tmp_path / "eyes.h5", rig, num=20, seed=1))
    train(settings(tmp_path / "eyes.h5", tmp_path / "run", base_channels=4, epochs=1, class_free=True))
    with pytest.raises(AdaptError, match="--rig"):
        adapt(task(tmp_path / "run", tmp_path / "eyes.h5", tmp_path / "new"))
    assert not (tmp_path / "new").exists()
