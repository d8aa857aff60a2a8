"""The plots of a finished run."""

import json

import numpy as np
import torch
from PIL import Image

from glint_unet.runs.run_directory import RunDirectory
from glint_unet.training.loop import train
from glint_unet.training.results import draw_results
from glint_unet.training.run_data import examine, new_split, open_data
from glint_unet.training.state import new_state
from tests.run_files import settings


def test_the_pictures_show_the_best_weights_not_the_last(data, tmp_path):
    cpu, config = torch.device("cpu"), settings(data, tmp_path / "run")
    run = RunDirectory(train(config))
    info, _ = examine(config)
    state = new_state(config, info, cpu, new_split(config, info))
    history = json.loads(run.metrics.read_text())
    pictures = [run.curves, run.predictions]
    before = [np.asarray(Image.open(path)) for path in pictures]
    for path in pictures:
        path.unlink()
    source = open_data(config, info, cpu, 1)
    draw_results(run, source, state, config, history, cpu)
    source.close()
    for path, picture in zip(pictures, before, strict=True):
        assert np.array_equal(np.asarray(Image.open(path)), picture)
    best = torch.load(run.best_weights, weights_only=True)
    assert all(torch.equal(value, best[name]) for name, value in state.judged.state_dict().items())
