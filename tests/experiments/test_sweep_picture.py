"""The picture of a sweep can be drawn for every kind of outcome."""

import numpy as np
import pytest
from PIL import Image

from glint_unet.experiments.sweep_picture import draw_sweep
from glint_unet.experiments.sweep_space import Space
from glint_unet.experiments.sweep_study import TrialResult

SPACE = Space.parse(["loss=focal,dice", "lr=1e-4..1e-2:log", "batch=4..64", "arch=unet"])
GOOD = TrialResult(0, "complete", {"loss": "dice", "lr": "0.001", "batch": "8", "arch": "unet"}, (0.5,))
BETTER = TrialResult(1, "complete", {"loss": "focal", "lr": "0.002", "batch": "64", "arch": "unet"}, (0.7, 0.9))
PRUNED = TrialResult(2, "pruned", {"loss": "focal", "lr": "0.01", "batch": "4", "arch": "unet"})
BEGUN = TrialResult(3, "running", {"loss": "focal"})


@pytest.mark.parametrize(
    ("results", "importances"), [([GOOD, BETTER, PRUNED, BEGUN], {"lr": 0.8, "loss": 0.2}), ([GOOD, GOOD], {})]
)
def test_it_is_drawn_with_and_without_importances_and_for_a_single_value(tmp_path, results, importances):
    path = tmp_path / "sweep.png"
    draw_sweep(SPACE, results, importances, "f1", path, is_lower_better=False)
    drawn = np.asarray(Image.open(path).convert("RGB"))
    assert drawn.shape[1] > drawn.shape[0]
    assert len(np.unique(drawn.reshape(-1, 3), axis=0)) > 20


def test_the_best_is_at_the_top_whichever_direction_is_better(tmp_path):
    pictures = []
    for name, results, is_lower_better in (("a", [GOOD, BETTER], False), ("b", [GOOD, BETTER], True)):
        draw_sweep(SPACE, results, {}, "px_error", tmp_path / name, is_lower_better=is_lower_better)
        pictures.append(np.asarray(Image.open(tmp_path / name).convert("RGB")))
    assert not np.array_equal(pictures[0], pictures[1])
