"""Trained models as inference reads them."""

import pytest
import torch

from glint_unet.errors import GlintError
from glint_unet.inference.trained_model import load_model
from glint_unet.training.loop import train
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
