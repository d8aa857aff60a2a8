"""Trained models as inference reads them."""

import numpy as np
import pytest
import torch

from glint_unet.errors import CheckpointError, GlintError
from glint_unet.inference.predictor import GlintDetector
from glint_unet.inference.trained_model import DecodingNetwork, load_model, recorded_split, torch_backend
from glint_unet.training.loop import train
from tests.original_unet import old_network, original_checkpoint
from tests.run_files import settings


@pytest.fixture(scope="module")
def run(data, tmp_path_factory):
    """A small run; not to be written to."""
    directory = tmp_path_factory.mktemp("trained") / "run"
    train(settings(data, directory, epochs=1))
    return directory


def test_a_model_has_the_size_and_the_width_of_heatmaps_that_it_was_trained_for(run):
    model = load_model(run)
    assert (model.image_size, model.num_classes, model.stride) == ((32, 32), 3, 2)
    assert model.sigma_heatmap_px == 2.5 / 2


@pytest.mark.parametrize("name", ["best_model.pth", "latest_checkpoint.pth"])
def test_a_checkpoint_with_an_unknown_network_is_refused_by_name(run, tmp_path, name, command):
    content = torch.load(run / name)
    content["train_args"]["arch"] = "resnet"
    path = tmp_path / name
    torch.save(content, path)
    with pytest.raises(GlintError, match=r"'resnet'.*compact, unet"):
        load_model(path)
    status, _, err = command("predict", "--lang", "en", "--run", path, "--input", tmp_path, "--out", tmp_path / "a.csv")
    assert status == 2
    assert "resnet" in err


@pytest.mark.parametrize("name", ["threshold", "threshold_alone"])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -0.1, "high"])
def test_a_threshold_that_is_no_score_is_a_damaged_checkpoint(run, tmp_path, name, value):
    content = torch.load(run / "best_model.pth")
    content["metrics"]["val"][name] = value
    torch.save(content, tmp_path / "best.pth")
    with pytest.raises(CheckpointError):
        load_model(tmp_path / "best.pth")


def test_an_old_checkpoint_becomes_a_detector(tmp_path):
    original_checkpoint(tmp_path / "best_model.pth")
    model = load_model(tmp_path)
    assert (model.num_classes, model.stride, model.image_size, model.epoch) == (3, 4, (256, 256), 7)
    glints = GlintDetector.load(tmp_path / "best_model.pth")(torch.zeros(2, 100, 120, dtype=torch.uint8).numpy())
    assert glints.points.shape == (2, 3, 2)


def test_other_weights_are_refused_with_the_first_difference(tmp_path):
    state = old_network(bias=True).state_dict()
    for name, broken in {
        "left over": state | {"more": torch.zeros(3)},
        "missing": dict(list(state.items())[:-4]),
        "shape": {**state, "enc2.0.weight": torch.zeros(5, 5)},
        "empty": {},
    }.items():
        content = {"epoch": 1, "model_state_dict": broken, "train_args": {}, "metrics": {}, "timestamp": "2025"}
        torch.save(content | {"optimizer_state_dict": {}}, tmp_path / "old.pth")
        with pytest.raises(CheckpointError, match="original implementation"):
            load_model(tmp_path / "old.pth")
        assert name


def test_decoding_in_the_network_gives_what_the_backend_gives(run, data):
    model = load_model(run)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32), dtype=np.uint8)
    with torch.no_grad():
        heatmaps, *decoded = DecodingNetwork(model)(torch.from_numpy(images))
    assert heatmaps.shape == (3, 3, 16, 16)
    assert ((heatmaps >= 0) & (heatmaps <= 1)).all()
    for ours, theirs in zip(decoded, torch_backend(model)(images), strict=True):
        assert np.array_equal(ours.numpy(), theirs)


def test_a_run_records_what_it_was_trained_on_and_other_models_do_not(run, data, tmp_path):
    split, md5 = recorded_split(run)
    assert sorted([*split.train, *split.val]) == list(range(20))
    assert md5 == load_model(run).dataset_md5
    for path in (original_checkpoint(tmp_path / "best.pth"), tmp_path / "model.onnx"):
        with pytest.raises(CheckpointError, match="--split all"):
            recorded_split(path)
